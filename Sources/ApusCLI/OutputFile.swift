@_spi(ApusCLI) internal import Apus
internal import ArgumentParser

/// A file that a command writes when its work is done; `-` is the output.
struct OutputFile {
    /// As the command line has it (`HostText`).
    let path: String

    init(_ path: String) { self.path = path }

    /// Whether it is the command's output.
    var isStandardOutput: Bool { path == "-" }

    /// What people read of it.
    var shown: String { isStandardOutput ? "standard output" : HostText.shown(path) }

    /// Refuses a name that ends in what `command` does not write. Without an ending, as devices
    /// are, all names will do.
    func checkEnding(isOneOf endings: [String], for command: String) throws {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return }
        let ending = name[name.index(after: dot)...]
        if endings.contains(String(ending)) { return }
        let list = endings.map { "." + $0 }.joined(separator: ", ")
        throw ValidationError(
            "`apus \(command)` writes no .\(ending) file: the name may end in \(list)")
    }

    /// Refuses, before there is work that would be lost, what could not be written afterwards. What
    /// is there stays as it is.
    func checkIsWritable() throws(FileError) {
        guard !isStandardOutput, let number = HostProcess.refusalToWrite(path) else { return }
        throw FileError(path: HostText.shown(path), reason: HostProcess.reason(number))
    }

    /// Writes the file.
    func write(_ bytes: [UInt8]) throws(FileError) {
        try bytes.write(toFileAt: isStandardOutput ? nil : HostText.bytes(path))
    }
}
