internal import ApusCollections

/// The shapes of entries that a unit's entries refer to. Specification: DWARF 5, 7.5.3.
struct Abbreviations {
    struct Attribute {
        var name: UInt32
        var form: UInt32
        /// The value of all entries, if the form is `implicitConstant`.
        var constant: Int64 = 0
    }

    struct Shape {
        var tag: UInt32
        var hasChildren: Bool
        /// In `attributes`.
        var start: Int
        var count: Int
    }

    private var attributes: [Attribute] = []
    /// By code, if these are 1, 2, 3 …, as all compilers have them.
    private var dense: [Shape] = []
    private var others: [UInt64: Shape] = [:]

    /// Reads the table at `offset` of its section.
    init(
        _ sections: DebugSections, at offset: Int, _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) {
        var reader = try sections.reader(.abbreviations, at: offset)
        while !reader.isAtEnd {
            let start = reader.position
            let code = try reader.leb()
            if code == 0 { return }
            var shape = Shape(
                tag: UInt32(truncatingIfNeeded: try reader.count()),
                hasChildren: try reader.byte() != 0, start: attributes.count, count: 0)
            try budget.spend(from: start, to: reader)
            while let attribute = try Self.attribute(&reader, &budget) {
                attributes.append(attribute)
            }
            shape.count = attributes.count - shape.start
            if code == UInt64(dense.count + 1) { dense.append(shape) } else { others[code] = shape }
        }
    }

    private static func attribute(
        _ reader: inout DebugReader, _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) -> Attribute? {
        let start = reader.position
        let name = UInt32(truncatingIfNeeded: try reader.count())
        let form = UInt32(truncatingIfNeeded: try reader.count())
        var attribute = Attribute(name: name, form: form)
        if form == Form.implicitConstant { attribute.constant = try reader.signedLeb() }
        try budget.spend(from: start, to: reader)
        if name == 0, form == 0 { return nil }
        return attribute
    }

    /// How many shapes and attributes there are.
    var size: Int { dense.count + others.count + attributes.count }

    /// The attributes of entries of this shape.
    func attributes(of shape: Shape) -> ArraySlice<Attribute> {
        attributes[shape.start..<shape.start + shape.count]
    }

    /// The shape that `code` stands for.
    subscript(code: UInt64) -> Shape? {
        code >= 1 && code <= UInt64(dense.count) ? dense[Int(code) - 1] : others[code]
    }
}
