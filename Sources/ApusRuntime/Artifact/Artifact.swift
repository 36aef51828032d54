// Produces: a LinkedImage, and the images of memories. Consumes: the bytes of an artifact.

public import ApusABI
public import ApusCollections
public import ApusFormat

/// A module with its code, as it was written down: checked as far as numbers and lengths go. That
/// the code is what a compiler made is a matter of trust in whoever wrote it.
public struct Artifact: Sendable {
    /// A file that holds one.
    public struct File: Sendable {
        let mapped: MappedFile
        /// Open while the artifact is loaded.
        let descriptor: Int32

        public init(_ mapped: MappedFile, descriptor: Int32) {
            self.mapped = mapped
            self.descriptor = descriptor
        }
    }

    /// What its code depends on.
    public let provenance: CodeProvenance
    /// The checksum of the module's bytes.
    public let digest: Checksum
    /// What tells its module from others with the same checksum, if it was written for a cache.
    public let identity: ArtifactIdentity?
    /// The module's binary form.
    public let module: ByteStorage
    /// Whether its code stores to elements of tables without calling the runtime.
    public let writesTables: Bool
    private let bytes: ByteStorage
    private let file: File?
    private let sections: [ArtifactSection]
    private typealias Layout = ArtifactLayout

    /// Whether `bytes` begin as an artifact does.
    public static func begins(_ bytes: Span<UInt8>) -> Bool {
        let magic = ArtifactLayout.magic
        return bytes.count >= magic.count
            && bytes.extracting(first: magic.count).isEqual(to: magic.span)
    }

    /// The artifact that `bytes` are.
    public init(_ bytes: ByteStorage) throws(ArtifactError) {
        try self.init(bytes, nil, isTrusted: false)
    }

    /// The artifact that `file` holds, which is mapped for as long as something of it is used.
    public init(_ file: File) throws(ArtifactError) {
        try self.init(file.mapped.bytes, file, isTrusted: false)
    }

    /// For tests: checksums are not looked at if it `isTrusted`.
    init(_ bytes: ByteStorage, _ file: File?, isTrusted: Bool) throws(ArtifactError) {
        let all = bytes.span
        guard Self.begins(all) else { throw .notArtifact }
        let version = all.word32(at: Layout.versionOffset)
        guard version == Layout.version else { throw .otherFormat(version) }
        guard all.count >= Layout.headerBytes else { throw .damaged("it ends in its header") }
        let header = all.extracting(first: Layout.headerChecksumOffset)
        guard
            isTrusted || Checksum(of: header) == Checksum(all, at: Layout.headerChecksumOffset)
        else { throw .damaged("checksum of the header") }
        guard all.word32(at: Layout.targetOffset) == Layout.target else { throw .otherTarget }
        guard all.word64(at: Layout.byteCountOffset) == UInt64(all.count),
            all.count % Layout.pageBytes == 0
        else { throw .damaged("it has another length") }
        let contents = all.extracting(Layout.headerBytes..<all.count)
        guard
            isTrusted || Checksum(of: contents) == Checksum(all, at: Layout.contentsChecksumOffset)
        else { throw .damaged("checksum of the contents") }
        sections = try Self.sections(of: all)
        let modules = sections.filter { $0.kind == .module }
        guard modules.count == 1, let module = ByteStorage(modules[0].range, of: bytes) else {
            throw .damaged("the module's bytes")
        }
        provenance = CodeProvenance(
            build: Checksum(all, at: Layout.buildOffset),
            features: FeatureSet(rawValue: all.word32(at: Layout.featuresOffset)),
            processor: ProcessorFeatures(rawValue: all.word32(at: Layout.processorOffset)),
            settings: CodeSettings(rawValue: all.word32(at: Layout.settingsOffset)),
            compiler: all.word32(at: Layout.compilerOffset))
        digest = Checksum(all, at: Layout.digestOffset)
        identity = ArtifactIdentity(all, at: Layout.identityOffset)
        self.module = module
        writesTables = modules[0].value != 0
        self.bytes = bytes
        self.file = file
    }

    private static func sections(
        of bytes: Span<UInt8>
    ) throws(ArtifactError) -> [ArtifactSection] {
        let count = Int(bytes.word32(at: Layout.sectionCountOffset))
        guard count <= Layout.sectionLimit else { throw .damaged("number of sections") }
        var sections: [ArtifactSection] = []
        for index in 0..<count {
            let place = Layout.sectionsOffset + index * Layout.sectionBytes
            let start = bytes.word64(at: place + 8)
            let length = bytes.word64(at: place + 16)
            let end = UInt64(bytes.count)
            guard let kind = ArtifactSection.Kind(rawValue: bytes.word32(at: place)),
                start >= UInt64(Layout.headerBytes), start <= end, length <= end - start,
                !kind.isMapped || start % UInt64(Layout.pageBytes) == 0
            else { throw .damaged("section \(index)") }
            sections.append(
                ArtifactSection(
                    kind: kind, image: bytes.word32(at: place + 4),
                    range: Int(start)..<Int(start + length), value: bytes.word64(at: place + 24)))
        }
        return sections
    }

    private func section(
        _ kind: ArtifactSection.Kind, _ image: UInt32 = 0
    ) throws(ArtifactError) -> ArtifactSection {
        guard let section = sections.first(where: { $0.kind == kind && $0.image == image }) else {
            throw .damaged("there is no section \(kind)")
        }
        return section
    }

    // MARK: Whether it fits

    /// Throws what keeps its code from running in an engine that makes code as `wanted`.
    public func check(_ wanted: CodeProvenance) throws(ArtifactError) {
        if provenance.build != wanted.build { throw .otherBuild }
        let lacking = provenance.processor.subtracting(wanted.processor)
        if !lacking.isEmpty { throw .processor(lacking: lacking) }
        let settings = provenance.settings.symmetricDifference(wanted.settings)
        if !settings.isEmpty {
            let known = CodeSettings.names.first { settings.contains($0.setting) }
            guard let known else { throw .damaged("settings") }
            throw .setting(known.name, isOn: provenance.settings.contains(known.setting))
        }
        if provenance.features != wanted.features { throw .features(provenance.features) }
    }

    // MARK: What is in it

    /// What each of its sections is, in order: the name of its kind, the piece of code that it
    /// belongs to, and where in its bytes it is.
    public var contents: [(name: String, image: Int, range: Range<Int>)] {
        sections.map { ("\($0.kind)", Int($0.image), $0.range) }
    }

    /// All of its bytes.
    public var storage: ByteStorage { bytes }

    /// The checksums of its header and of all that comes after it.
    public var checksums: (header: Checksum, contents: Checksum) {
        (
            Checksum(bytes.span, at: Layout.headerChecksumOffset),
            Checksum(bytes.span, at: Layout.contentsChecksumOffset)
        )
    }

    /// The number of the form that artifacts have which this build writes and reads.
    public static var version: Int { Int(ArtifactLayout.version) }

    /// How many pieces of code there are.
    public var imageCount: Int { sections.count { $0.kind == .code } }

    /// Piece of code number `image`, of functions of `module`, which its module must have been
    /// decoded to. It is mapped if the artifact is in a file, else copied.
    public func linkedImage(_ image: Int = 0, of module: DecodedModule) throws -> LinkedImage {
        // Code that changes with its place runs nowhere as it is.
        if isMovable { throw ArtifactError.incomplete }
        let number = UInt32(truncatingIfNeeded: image)
        let code = try section(.code, number)
        let records = try records(number, of: module)
        guard code.value <= 1 else { throw ArtifactError.damaged("properties of the code") }
        return LinkedImage(
            code: try memory(code.range), codeBytes: code.range.count,
            functions: records.functions, sites: records.sites, writesTables: code.value == 1)
    }

    /// What is known of the code of piece `number`, of functions of `module`, which its module must
    /// have been decoded to. Only what this build has written can be read.
    public func records(
        _ number: UInt32 = 0, of module: DecodedModule
    ) throws(ArtifactError) -> CodeRecords {
        let all = bytes.span
        func contents(_ kind: ArtifactSection.Kind) throws(ArtifactError) -> Range<Int> {
            try section(kind, number).range
        }
        let records = CodeRecords(
            functions: all.extracting(try contents(.functions)),
            traps: all.extracting(try contents(.traps)),
            calls: all.extracting(try contents(.calls)),
            handlerLists: all.extracting(try contents(.handlerLists)),
            handlers: all.extracting(try contents(.handlers)),
            inlined: all.extracting(try contents(.inlined)),
            codeBytes: try section(.code, number).range.count, of: module)
        guard let records else { throw .damaged("records of functions") }
        return records
    }

    /// Whether its code is put beside other code, and may be that of some functions only.
    public var isMovable: Bool { sections.contains { $0.kind == .relocations } }

    /// Has functions of `loaded`, whose module it is, begin in the code that it has of them.
    /// Returns the indices of these functions.
    public func install(in loaded: LoadedModule) throws -> [Int] {
        let code = try section(.code)
        guard code.value <= 1 else { throw ArtifactError.damaged("properties of the code") }
        let records = try records(0, of: loaded.module)
        let indices = (0..<records.functions.count).map { Int(records.functions[$0].index) }
        let relocations = try relocations(records, codeBytes: code.range.count, of: loaded.module)
        let piece = CodePiece(
            records, relocations, codeBytes: code.range.count, writesTables: code.value == 1)
        if indices.isEmpty { return [] }
        let image = try loaded.makeImage(piece, bytes.span.extracting(code.range))
        loaded.code.install(image)
        try restoreCounts(in: loaded)
        return indices
    }

    /// What an earlier run has counted is only believed to be what it was meant for: no code comes
    /// of it that does not look first.
    private func restoreCounts(in loaded: LoadedModule) throws(ArtifactError) {
        let contents = bytes.span.extracting(try section(.counts).range)
        for place in stride(from: 0, to: contents.count / 20 * 20, by: 20) {
            loaded.restoreCounts(
                CountedCall(
                    bodyOffset: contents.word32(at: place + 4),
                    function: contents.word32(at: place + 8),
                    hits: contents.word32(at: place + 12),
                    misses: contents.word32(at: place + 16)),
                ofFunction: Int(contents.word32(at: place)))
        }
    }

    /// Where in `storage` the code of piece `number` is.
    public func codeRange(_ number: UInt32 = 0) throws(ArtifactError) -> Range<Int> {
        try section(.code, number).range
    }

    /// Places of its code, which `isMovable`, that are linked when it has its place.
    public func relocations(of module: DecodedModule) throws(ArtifactError) -> Arena<CodeRelocation>
    {
        try relocations(
            records(0, of: module), codeBytes: section(.code).range.count, of: module)
    }

    private func relocations(
        _ records: borrowing CodeRecords, codeBytes: Int, of module: DecodedModule
    ) throws(ArtifactError) -> Arena<CodeRelocation> {
        let contents = bytes.span.extracting(try section(.relocations).range)
        var relocations = Arena<CodeRelocation>(capacity: contents.count / 12)
        let defined = module.importedFunctionCount..<module.functions.count
        for place in stride(from: 0, to: contents.count / 12 * 12, by: 12) {
            let words = (
                contents.word32(at: place), contents.word32(at: place + 4),
                contents.word32(at: place + 8)
            )
            guard let relocation = CodeRelocation(words),
                Int(relocation.codeOffset) <= codeBytes - 4,
                defined.contains(Int(relocation.function)),
                !relocation.kind.isOfCounts || records.hasCall(relocation, of: module)
            else { throw .damaged("places in code") }
            relocations.append(relocation)
        }
        return relocations
    }

    private func memory(_ range: Range<Int>) throws(ResourceError) -> CodeMemory {
        if let file, !range.isEmpty {
            return try CodeMemory(
                file: file.descriptor, offset: UInt64(range.lowerBound), byteCount: range.count)
        }
        // Room for the trampolines that most modules need.
        var memory = try CodeMemory(capacity: range.count + ArtifactLayout.pageBytes)
        memory.write(bytes.span.extracting(range), at: 0)
        return memory
    }

    /// The first contents of its memories, mapped if the artifact is in a file; else there are
    /// none, and they are made from the module.
    public func images() throws(ArtifactError) -> ArtifactImages {
        guard let file, sections.contains(where: { $0.kind == .images }) else {
            return ArtifactImages()
        }
        let table = bytes.span.extracting(try section(.imageTable).range)
        let contents = try section(.images).range
        var ranges: [Range<UInt64>] = []
        let page = UInt64(Layout.pageBytes)
        for place in stride(from: 0, to: table.count / 16 * 16, by: 16) {
            let start = table.word64(at: place)
            let count = table.word64(at: place + 8)
            guard start % page == 0, count % page == 0, start <= UInt64(contents.count),
                count <= UInt64(contents.count) - start
            else { throw .damaged("images of memories") }
            let first = UInt64(contents.lowerBound) + start
            ranges.append(first..<first + count)
        }
        return ArtifactImages(ranges, of: file)
    }
}

/// The first contents of a module's memories, as they lie in an artifact's file.
public struct ArtifactImages: Sendable {
    /// By memory; empty if there are none, and all are to be made.
    let images: [MemoryImage?]

    public init() { images = [] }

    /// What the system refuses is as good as not there.
    init(_ ranges: [Range<UInt64>], of file: Artifact.File) {
        let images = try? ranges.map { range in
            try range.isEmpty ? nil : MemoryImage(range, of: file.mapped, file.descriptor)
        }
        self.images = images ?? []
    }
}

extension CodeRecords {
    /// Whether `relocation`, which is of counts, is in the code of the function that it names, and
    /// of a call that can be in its body: room for counts is made by what relocations say.
    fileprivate func hasCall(_ relocation: CodeRelocation, of module: DecodedModule) -> Bool {
        let found = functions.partitioningIndex { $0.codeStart > relocation.codeOffset } - 1
        guard found >= 0, functions[found].index == relocation.function,
            relocation.codeOffset - functions[found].codeStart < functions[found].codeLength
        else { return false }
        let body = module.bodies[Int(relocation.function) - module.importedFunctionCount]
        return relocation.bodyOffset < body.end - body.start
    }
}
