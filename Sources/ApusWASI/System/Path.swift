/// A path as a guest gave it: bytes, ended by a zero for the operating system, with none before.
struct Path: Equatable {
    /// Bytes that the operating system takes at most, the final zero included.
    static let limit = 4096

    private(set) var bytes: [UInt8]

    /// Without the final zero.
    var count: Int { bytes.count - 1 }
    var isEmpty: Bool { count == 0 }
    var isAbsolute: Bool { bytes[0] == UInt8(ascii: "/") }
    var endsWithSlash: Bool { !isEmpty && bytes[count - 1] == UInt8(ascii: "/") }

    /// - Throws: `inval` if there is a zero within, `ilseq` if it is not UTF-8, `nametoolong`.
    init(_ text: [UInt8]) throws(Errno) {
        guard text.count < Self.limit else { throw .nametoolong }
        guard !text.contains(0) else { throw .inval }
        guard (try? UTF8Span(validating: text.span)) != nil else { throw .ilseq }
        self.init(unchecked: text)
    }

    init(_ text: String) throws(Errno) { try self.init([UInt8](text.utf8)) }

    /// For names that come from the host.
    init(unchecked text: [UInt8]) {
        bytes = text
        bytes.append(0)
    }

    /// The directory itself.
    static var current: Path { Path(unchecked: [UInt8(ascii: ".")]) }

    /// A path that the guest's memory holds.
    init(_ memory: GuestMemory, at address: UInt32, count: UInt32) throws(Errno) {
        let size = Int(count)
        try memory.check(address, size)
        guard size < Self.limit else { throw .nametoolong }
        try self.init(memory.bytes(at: address, size))
    }

    var text: ArraySlice<UInt8> { bytes[..<count] }

    /// The parts between slashes, without empty ones and ".".
    var components: [ArraySlice<UInt8>] {
        text.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
    }

    /// What leads to the last component, and that component without slashes after it; nil if there
    /// is none, or it is "." or "..", so that the whole path names a directory.
    func split() -> (directory: ArraySlice<UInt8>, name: ArraySlice<UInt8>)? {
        var end = count
        while end > 0, bytes[end - 1] == UInt8(ascii: "/") { end -= 1 }
        let start = (bytes[..<end].lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1
        let name = bytes[start..<end]
        if name.isEmpty || name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) {
            return nil
        }
        return (bytes[..<start], name)
    }
}
