internal import ApusCollections

/// The form of an artifact, a module with its code as one piece of bytes: a header, and sections,
/// of which those that are mapped begin at a page. Numbers have their lowest byte first; records
/// are as they lie in memory, since only the build that wrote them reads them.
enum ArtifactLayout {
    /// What it begins with: no module and no text does.
    static let magic: [UInt8] = [0x7F, 0x61, 0x70, 0x75, 0x73, 0x0D, 0x0A, 0x1A]
    /// Changes with anything that is said here.
    static var version: UInt32 { 3 }
    /// x86-64, with the calling convention of `docs/abi.md`.
    static var target: UInt32 { 1 }

    static var headerBytes: Int { 1024 }
    static var pageBytes: Int { 4096 }
    /// Of sections that are not mapped.
    static var alignment: Int { 16 }

    // Offsets in the header.
    static var versionOffset: Int { 8 }
    static var targetOffset: Int { 12 }
    static var buildOffset: Int { 16 }
    static var featuresOffset: Int { 32 }
    static var settingsOffset: Int { 36 }
    static var processorOffset: Int { 40 }
    static var compilerOffset: Int { 44 }
    static var byteCountOffset: Int { 48 }
    static var digestOffset: Int { 56 }
    /// Of all that comes after the header.
    static var contentsChecksumOffset: Int { 72 }
    static var sectionCountOffset: Int { 88 }
    static var sectionsOffset: Int { 96 }
    static var sectionBytes: Int { 32 }
    /// Which module it is of (`ArtifactIdentity`), in a cache; else zeros.
    static var identityOffset: Int { headerChecksumOffset - 16 }
    /// Of all of the header that comes before it.
    static var headerChecksumOffset: Int { headerBytes - 16 }

    static var sectionLimit: Int { (identityOffset - sectionsOffset) / sectionBytes }

    static func aligned(_ offset: Int, to alignment: Int) -> Int {
        (offset + alignment - 1) / alignment * alignment
    }
}

/// A part of an artifact.
struct ArtifactSection {
    enum Kind: UInt32 {
        /// The binary form of a valid module, followed by 16 zeros; the value is 1 if its code
        /// stores to elements of tables by itself.
        case module = 1
        /// Machine code; the value is as above.
        case code
        /// The records of the functions whose code is there, and of the places in it.
        case functions, traps, calls, handlerLists, handlers
        /// For each memory of the module's own, where its first contents are among the images, and
        /// how many bytes they have, whole pages.
        case imageTable
        case images
        /// What of the code changes with its place: words of four bytes, three for each place: its
        /// offset from the code's start, the function that it leads to, and how
        /// (`CodeRelocation`). Then the code is not mapped, and there is only one piece.
        case relocations
        /// Of the functions whose code is there, the calls in whose place they have the callee.
        case inlined
        /// What that code has counted: words of four bytes, five for each call: its function, its
        /// offset in the body, the callee, hits and misses (`CountedCall`).
        case counts

        /// Whether it is mapped, and so begins at a page.
        var isMapped: Bool { self == .code || self == .images }
    }

    var kind: Kind
    /// Which of several pieces of code it belongs to: a module may have more than one, as of two
    /// compilers.
    var image: UInt32 = 0
    var range: Range<Int>
    var value: UInt64 = 0
}

extension Checksum {
    /// The checksum that was written at `offset`.
    init(_ bytes: Span<UInt8>, at offset: Int) {
        self.init(low: bytes.word64(at: offset), high: bytes.word64(at: offset + 8))
    }
}
