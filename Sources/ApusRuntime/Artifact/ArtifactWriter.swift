// Produces: the bytes of an artifact. Consumes: a module's bytes, and its code as it was linked.

internal import ApusABI
internal import ApusCollections
internal import ApusFormat

/// Puts the sections of an artifact one after the other.
struct ArtifactWriter {
    private(set) var bytes: [UInt8]
    private var sections: [ArtifactSection] = []
    private typealias Layout = ArtifactLayout

    /// Begins an artifact of about `capacity` bytes.
    init(capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity + ArtifactLayout.headerBytes)
        bytes.append(contentsOf: repeatElement(0, count: ArtifactLayout.headerBytes))
    }

    /// Adds a section with room for `byteCount` bytes, which are zeros yet, and returns where.
    mutating func add(
        _ kind: ArtifactSection.Kind, byteCount: Int, image: UInt32 = 0, value: UInt64 = 0
    ) -> Int {
        let alignment = kind.isMapped ? Layout.pageBytes : Layout.alignment
        let start = Layout.aligned(bytes.count, to: alignment)
        // What a module is read with looks beyond its end.
        let end = start + byteCount + (kind == .module ? ByteStorage.padding : 0)
        bytes.append(contentsOf: repeatElement(0, count: end - bytes.count))
        sections.append(
            ArtifactSection(
                kind: kind, image: image, range: start..<start + byteCount, value: value))
        return start
    }

    /// Adds a section that is `contents`.
    mutating func add(
        _ kind: ArtifactSection.Kind, _ contents: Span<UInt8>, image: UInt32 = 0, value: UInt64 = 0
    ) {
        let start = add(kind, byteCount: contents.count, image: image, value: value)
        write(contents, at: start)
    }

    /// Adds a section that is `records`.
    mutating func add<Record>(
        _ kind: ArtifactSection.Kind, _ records: borrowing Arena<Record>, image: UInt32
    ) {
        add(kind, records.bytes, image: image)
    }

    mutating func write(_ contents: Span<UInt8>, at offset: Int) {
        var all = bytes.mutableSpan
        all.copy(contents, to: offset)
    }

    mutating func write(_ number: UInt64, at offset: Int, bytes count: Int) {
        for place in 0..<count {
            bytes[offset + place] = UInt8(truncatingIfNeeded: number >> UInt64(place * 8))
        }
    }

    private mutating func write(_ number: UInt32, at offset: Int) {
        write(UInt64(number), at: offset, bytes: 4)
    }

    private mutating func write(_ checksum: Checksum, at offset: Int) {
        write(checksum.low, at: offset, bytes: 8)
        write(checksum.high, at: offset + 8, bytes: 8)
    }

    /// Writes the header. `digest` is the module's.
    mutating func finish(
        _ provenance: CodeProvenance, digest: Checksum, _ identity: ArtifactIdentity?
    ) {
        let end = Layout.aligned(bytes.count, to: Layout.pageBytes)
        bytes.append(contentsOf: repeatElement(0, count: end - bytes.count))
        let magic = Layout.magic
        write(magic.span, at: 0)
        write(Layout.version, at: Layout.versionOffset)
        write(Layout.target, at: Layout.targetOffset)
        write(provenance.build, at: Layout.buildOffset)
        write(provenance.features.rawValue, at: Layout.featuresOffset)
        write(provenance.settings.rawValue, at: Layout.settingsOffset)
        write(provenance.processor.rawValue, at: Layout.processorOffset)
        write(provenance.compiler, at: Layout.compilerOffset)
        write(UInt64(bytes.count), at: Layout.byteCountOffset, bytes: 8)
        write(digest, at: Layout.digestOffset)
        write(identity?.low ?? 0, at: Layout.identityOffset, bytes: 8)
        write(identity?.high ?? 0, at: Layout.identityOffset + 8, bytes: 8)
        write(UInt32(sections.count), at: Layout.sectionCountOffset)
        for (index, section) in sections.enumerated() {
            let place = Layout.sectionsOffset + index * Layout.sectionBytes
            write(section.kind.rawValue, at: place)
            write(section.image, at: place + 4)
            write(UInt64(section.range.lowerBound), at: place + 8, bytes: 8)
            write(UInt64(section.range.count), at: place + 16, bytes: 8)
            write(section.value, at: place + 24, bytes: 8)
        }
        let contents = Checksum(of: bytes.span.extracting(Layout.headerBytes..<bytes.count))
        write(contents, at: Layout.contentsChecksumOffset)
        let header = Checksum(of: bytes.span.extracting(first: Layout.headerChecksumOffset))
        write(header, at: Layout.headerChecksumOffset)
    }
}

extension LoadedModule {
    /// The module, of which `moduleBytes` bytes were given, as an artifact: with its code, unless
    /// that is made while it runs; then all that is known is that it is valid. An artifact for a
    /// cache has the module's `identity` there.
    public func artifact(
        _ provenance: CodeProvenance, moduleBytes: Int, _ identity: ArtifactIdentity? = nil
    ) -> [UInt8] {
        let image = code.fixedImage
        let bytes = module.bytes
        let own = bytes.span.extracting(first: moduleBytes)
        let imageBytes = template.imageBytes.reduce(0) { $0 + Int($1) }
        let codeBytes = image.map { $0.codeBytes + $0.recordBytes } ?? 0
        var writer = ArtifactWriter(capacity: own.count + codeBytes + imageBytes + (64 << 10))
        writer.add(.module, own, value: writesTables ? 1 : 0)
        image?.add(to: &writer)
        if image == nil { LiveCode(of: self).add(to: &writer) }
        addImages(to: &writer)
        writer.finish(provenance, digest: Checksum(of: own), identity)
        return writer.bytes
    }

    /// Adds the first contents of its own memories, if they are known.
    private func addImages(to writer: inout ArtifactWriter) {
        let bytes = module.bytes
        let sizes = template.imageBytes
        let total = sizes.reduce(0, +)
        if total == 0 { return }
        let table = writer.add(.imageTable, byteCount: sizes.count * 16)
        let contents = writer.add(.images, byteCount: Int(total))
        var place = 0
        for (index, size) in sizes.enumerated() {
            writer.write(UInt64(place), at: table + index * 16, bytes: 8)
            writer.write(size, at: table + index * 16 + 8, bytes: 8)
            let memory = UInt32(truncatingIfNeeded: module.importedMemoryCount + index)
            for segment in module.data {
                guard let offset = template.start(of: segment, in: memory) else { continue }
                writer.write(
                    bytes.span.extracting(segment.contents),
                    at: contents + place + Int(offset))
            }
            place += Int(size)
        }
    }
}
