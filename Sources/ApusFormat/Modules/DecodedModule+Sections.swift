internal import ApusCollections

extension DecodedModule {
    /// Where the contents of the code section begin in the module's bytes: what debugging
    /// information says of code counts from there. Nil if there is no such section.
    public var codeSectionStart: Int? {
        let codeSection: UInt8 = 10
        // Behind the magic number and the version.
        var reader = ByteReader(bytes, 8..<bytes.count)
        while let id = try? reader.readByte(), let length = try? reader.readUnsigned32(),
            let contents = try? reader.readBytes(Int(length))
        {
            if id == codeSection { return contents.lowerBound }
        }
        return nil
    }

    /// What the first section for that says of where the source map is.
    private var sourceMapReference: [UInt8]? {
        guard let section = customSections.first(where: { $0.name == "sourceMappingURL" }) else {
            return nil
        }
        var reader = ByteReader(bytes, section.contents)
        guard let length = try? reader.readUnsigned32(),
            let range = try? reader.readBytes(Int(length))
        else { return nil }
        let bytes = bytes
        var text: [UInt8] = []
        for place in range { text.append(bytes.span[place]) }
        return text
    }

    /// What the URL of a source map begins with that is in the URL itself.
    private static let inlineStart = Array("data:".utf8)

    /// Where the module says that its source map is; nil if it refers to none, or has it in itself.
    public var sourceMapURL: String? {
        guard let text = sourceMapReference, !text.starts(with: Self.inlineStart) else {
            return nil
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The source map that the module has in itself, in base 64.
    public var inlineSourceMap: ArraySlice<UInt8>? {
        guard let text = sourceMapReference, text.starts(with: Self.inlineStart),
            let end = text.firstIndex(of: UInt8(ascii: ",")),
            text[..<end].suffix(7).elementsEqual(";base64".utf8)
        else { return nil }
        return text[(end + 1)...]
    }
}
