internal import ApusCollections

/// A table of abbreviations in the making. Entries of one shape share one.
struct AbbreviationWriter {
    private var writer = DebugWriter()
    private var codes: [[UInt8]: UInt64] = [:]

    /// The code of entries with these attributes.
    mutating func code(
        tag: UInt32, hasChildren: Bool, _ attributes: [(name: UInt32, form: UInt32)]
    ) -> UInt64 {
        var shape = DebugWriter()
        shape.leb(UInt64(tag))
        shape.byte(hasChildren ? 1 : 0)
        for attribute in attributes {
            shape.leb(UInt64(attribute.name))
            shape.leb(UInt64(attribute.form))
        }
        shape.append([0, 0])
        if let known = codes[shape.bytes] { return known }
        let code = UInt64(codes.count + 1)
        codes[shape.bytes] = code
        writer.leb(code)
        writer.append(shape.bytes)
        return code
    }

    /// The table.
    var bytes: [UInt8] { writer.bytes + [0] }
}
