internal import ApusCollections
internal import ApusFormat

/// The first time over the fields: what has which index.
extension ModuleParser {
    mutating func declareFields() throws(TextFault) {
        // What has been defined, for imports must come before.
        var defined: String?
        var hasStart = false
        while cursor.isAtOpening {
            try watch.look()
            try placeCustomSections()
            let next = Int(cursor.token.payload) &+ 1
            guard let keyword = cursor.openingKeyword else {
                cursor.advance()
                throw cursor.unexpected("a module field")
            }
            cursor.index &+= 2
            switch keyword {
            case .type: try declare(.type)
            case .rec: try declareGroup()
            case .import: try declareImport(after: defined)
            case .func: try declareItem(.function, after: &defined)
            case .table: try declareItem(.table, after: &defined)
            case .memory: try declareItem(.memory, after: &defined)
            case .global: try declareItem(.global, after: &defined)
            case .tag: try declareItem(.tag, after: &defined)
            case .elem: try declare(.element)
            case .data: try declare(.data)
            case .export: break
            case .start:
                cursor.index &-= 1
                if hasStart { throw TextFault(cursor.token, "multiple start sections") }
                hasStart = true
            default:
                cursor.index &-= 1
                throw cursor.unexpected("a module field")
            }
            cursor.index = next
        }
        try placeCustomSections()
        guard cursor.isAtClosing || cursor.kind == .end else {
            throw cursor.unexpected("a module field")
        }
    }

    private mutating func declareGroup() throws(TextFault) {
        while cursor.isAtOpening {
            try watch.look()
            let next = Int(cursor.token.payload) &+ 1
            try cursor.expect(opening: .type)
            try declare(.type)
            cursor.index = next
        }
        try cursor.expectClosing()
    }

    private mutating func declareImport(after defined: String?) throws(TextFault) {
        if let defined {
            cursor.index &-= 1
            throw TextFault(cursor.token, "import after \(defined)")
        }
        _ = try cursor.expectName()
        _ = try cursor.expectName()
        guard let space = Self.space(cursor.openingKeyword) else {
            throw cursor.unexpected("what is imported")
        }
        cursor.index &+= 2
        try declare(space)
    }

    static func space(_ keyword: Keyword?) -> Space? {
        switch keyword {
        case .func: .function
        case .table: .table
        case .memory: .memory
        case .global: .global
        case .tag: .tag
        default: nil
        }
    }

    /// A definition, or an import in its place; tables and memories may have a segment of their
    /// own.
    private mutating func declareItem(
        _ space: Space, after defined: inout String?
    ) throws(TextFault) {
        try declare(space)
        while cursor.isAtOpening(.export) {
            try watch.look()
            cursor.skipGroup()
        }
        if cursor.isAtOpening(.import) {
            if let defined { throw TextFault(cursor.token, "import after \(defined)") }
            return
        }
        defined = what(space)
        guard space == .table || space == .memory else { return }
        _ = cursor.take(.i32) || cursor.take(.i64)
        if space == .memory {
            if cursor.isAtOpening(.pagesize) { cursor.skipGroup() }
            if cursor.isAtOpening(.data) { _ = data.add(nil) }
        } else if cursor.kind != .number, !cursor.isAtClosing {
            if cursor.isAtOpening { cursor.skipGroup() } else { cursor.advance() }
            if cursor.isAtOpening(.elem) { _ = elements.add(nil) }
        }
    }
}
