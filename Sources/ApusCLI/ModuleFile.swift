@_spi(ApusCLI) internal import Apus
internal import ApusCollections
internal import ApusFormat
internal import ApusText

/// A module that the command line names: a file in binary or in text form, or `-`, the input.
struct ModuleFile {
    /// As the command line has it (`HostText`).
    let path: String

    init(_ path: String) { self.path = path }

    /// The file's own name, without folders.
    var ownName: String { name.split(separator: "/").last.map(String.init) ?? name }

    /// What errors call it.
    var name: String { path == "-" ? "standard input" : HostText.shown(path) }

    /// Compiles the module, if that takes no longer than until `deadline`.
    func compile(
        _ engine: Engine, deadline: ContinuousClock.Instant? = nil
    ) throws -> Module {
        let module = try naming {
            if isCompiled { return try Module(engine, precompiledAt: path) }
            if isPlain { return try Module(engine, contentsOf: path, deadline: deadline) }
            let source = try ModuleSource(
                read(until: deadline), named: name, until: deadline)
            return try Module(engine, source, deadline: deadline)
        }
        findSourceMap(of: module)
        return module
    }

    /// Has the source map read that `module` refers to, when it is needed.
    private func findSourceMap(of module: Module) {
        guard let name = module.sourceMapURL else { return }
        module.setSourceMap { sourceMap(named: name) }
    }

    /// The source map that the module calls `name`, if it is a regular file beside this one: what a
    /// module names must not lead anywhere else, and nobody waits for a pipe or reads a device
    /// because of it.
    func sourceMap(named name: String) -> [UInt8]? {
        guard path != "-", !name.isEmpty, !name.contains("/"), name != "..",
            !name.utf8.contains(0)
        else { return nil }
        let path = (folder ?? "") + name
        guard HostProcess.isFile(path, ofAtMost: .max),
            let contents = try? ModuleFile(path).contents()
        else { return nil }
        return contents.span.indices.map { contents.span[$0] }
    }

    /// The folder that the path names, with a slash at its end; nil if it names none.
    var folder: String? {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        return slash.map { String(path[...$0]) }
    }

    /// Checks the module.
    func validate(_ engine: Engine) throws {
        try naming {
            if isPlain { return try Module.validate(engine, contentsOf: path) }
            try Module.validate(engine, ModuleSource(read(), named: name))
        }
    }

    /// The module, and what its errors point into.
    func source() throws -> ModuleSource {
        try naming { try ModuleSource(read(), named: name) }
    }

    /// What the name of a file with machine code ends in. Only then is it run as it is; other
    /// files in the form of such a one are taken for the module that it was made of.
    static let ending = ".apus"

    /// Whether its name says that it was compiled before.
    var isCompiled: Bool { isPlain && path.hasSuffix(Self.ending) }

    /// Whether its path is one that need not be opened here.
    private var isPlain: Bool { path != "-" && !HostText.isEscaped(path) }

    /// What the file holds, if it is there by `deadline`.
    func contents(until deadline: ContinuousClock.Instant? = nil) throws -> ByteStorage {
        try naming { try read(until: deadline) }
    }

    /// What `parse` makes of the text that the file holds; its errors name the file, and say what
    /// it is if it is no text.
    func parsing<Result>(
        until deadline: ContinuousClock.Instant? = nil, _ parse: (ByteStorage) throws -> Result
    ) throws -> Result {
        let text = try contents(until: deadline)
        do {
            return try parse(text)
        } catch var error as TextError {
            if let reason = ModuleSource.refusal(ofText: text) {
                throw FileError(path: name, reason: reason)
            }
            error.file = name
            throw error
        }
    }

    private func read(until deadline: ContinuousClock.Instant? = nil) throws -> ByteStorage {
        if path == "-" { return try ByteStorage.reading(0, named: name, until: deadline) }
        let descriptor = try HostProcess.open(path, waits: deadline == nil)
        defer { HostProcess.close(descriptor) }
        return try ByteStorage.reading(descriptor, named: name, until: deadline)
    }

    /// Does `work`, whose errors then name the file.
    func naming<Result>(_ work: () throws -> Result) throws -> Result {
        do {
            return try work()
        } catch let error as FileError {
            throw explained(error)
        } catch let error as ResourceError {
            throw ModuleFileError(file: name, error: error)
        } catch let error as ArtifactError {
            if case .untrusted = error { throw error }
            throw CompiledFileError(file: name, error: error)
        }
    }

    /// `error`, with what was probably meant.
    private func explained(_ error: FileError) -> FileError {
        guard path != "-", HostProcess.isMissing(path) else { return error }
        var error = error
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { String(path[...$0]) } ?? ""
        let wanted = slash.map { String(path[path.index(after: $0)...]) } ?? path
        // A link that leads nowhere has the very name.
        let names = HostProcess.names(in: folder.isEmpty ? "." : folder).filter { $0 != wanted }
        if let name = SimilarNames.near(wanted, among: names).first {
            error.reason += "; did you mean '\(PrintableText.path(HostText.shown(folder + name)))'?"
        }
        return error
    }
}

/// A compiled module cannot be used; says which file it is.
struct CompiledFileError: Error, CustomStringConvertible {
    var file: String
    var error: ArtifactError
    var description: String {
        let text = "\(PrintableText.path(file)): \(error)"
        // Of what such code lacks, fuel alone has an option that programs are run with.
        guard let isOn = error.isWithFuel else { return text }
        return text + (isOn ? "; --fuel runs it" : "; `apus compile --metered` makes one with it")
    }
}

/// A module is more than it may be; says which file it is.
struct ModuleFileError: Error, CustomStringConvertible {
    var file: String
    var error: ResourceError
    var description: String { "\(PrintableText.path(file)): \(error)" }
}
