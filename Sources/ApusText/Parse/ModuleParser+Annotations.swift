internal import ApusCollections
internal import ApusFormat

/// Annotations that mean something: custom sections, names, branch hints. Specification: 7.4.
extension ModuleParser {
    /// Does `read` with each annotation of `kind` before token `index`.
    private mutating func forEachAnnotation(
        _ kind: Annotation.Kind, at index: Int,
        _ read: (inout ModuleParser, Annotation) throws(TextFault) -> Void
    ) throws(TextFault) {
        guard !text.annotations.isEmpty else { return }
        var number = text.firstAnnotation(from: index)
        while number < text.annotations.count, Int(text.annotations[number].token) == index {
            try watch.look()
            let annotation = text.annotations[number]
            if annotation.kind == kind {
                placedAnnotations.insert(number)
                try read(&self, annotation)
            }
            number &+= 1
        }
    }

    private mutating func fault(_ annotation: Annotation, _ message: String) -> TextFault {
        TextFault(
            Int(annotation.startOffset), Int(annotation.endOffset),
            "@\(annotation.kind.name) annotation: \(message)")
    }

    /// No annotation may be left that has found no place.
    mutating func checkAnnotations(_ tokens: ClosedRange<Int>) throws(TextFault) {
        guard !text.annotations.isEmpty else { return }
        var number = text.firstAnnotation(from: tokens.lowerBound)
        while number < text.annotations.count,
            Int(text.annotations[number].token) <= tokens.upperBound
        {
            let annotation = text.annotations[number]
            if !placedAnnotations.contains(number) {
                if annotation.kind == .branchHint {
                    throw fault(annotation, "invalid target")
                }
                throw TextFault(
                    Int(annotation.startOffset), Int(annotation.endOffset),
                    "misplaced @\(annotation.kind.name) annotation")
            }
            number &+= 1
        }
    }

    // MARK: Names and hints

    /// The symbol of the name that an annotation here gives.
    mutating func takeNameAnnotation() throws(TextFault) -> UInt32? {
        guard !text.annotations.isEmpty else { return nil }
        var symbol: UInt32?
        try forEachAnnotation(.name, at: cursor.index) {
            (parser, annotation) throws(TextFault) in
            guard symbol == nil else { throw parser.fault(annotation, "multiple names") }
            let token =
                annotation.end == annotation.first + 1
                ? parser.text.annotationTokens[Int(annotation.first)] : Token(.end, 0, 0)
            guard token.kind == .string else { throw parser.fault(annotation, "malformed name") }
            symbol = token.payload
        }
        return symbol
    }

    /// What a branch hint before token `index` says, 2 if there is none.
    mutating func takeHint(_ index: Int) throws(TextFault) -> UInt8 {
        guard !text.annotations.isEmpty, function != nil else { return 2 }
        var hint: UInt8 = 2
        try forEachAnnotation(.branchHint, at: index) { (parser, annotation) throws(TextFault) in
            guard hint == 2 else { throw parser.fault(annotation, "duplicate annotation") }
            let bytes = parser.strings(annotation, from: annotation.first)
            guard bytes.count == 1, bytes[0] < 2 else {
                throw parser.fault(annotation, "malformed hint")
            }
            hint = bytes[0]
        }
        return hint
    }

    /// The bytes of the strings from word `first` on.
    private mutating func strings(_ annotation: Annotation, from first: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        for index in first..<max(annotation.end, first) {
            let token = text.annotationTokens[Int(index)]
            guard token.kind == .string else { return [] }
            StringLiteral.append(text.source.window, token.range, to: &bytes)
        }
        return bytes
    }

    // MARK: Custom sections

    /// Takes the custom sections that are written before the next field.
    mutating func placeCustomSections() throws(TextFault) {
        guard !text.annotations.isEmpty else { return }
        try forEachAnnotation(.custom, at: cursor.index) { (parser, annotation) throws(TextFault) in
            try parser.placeCustomSection(annotation)
        }
    }

    private mutating func placeCustomSection(_ annotation: Annotation) throws(TextFault) {
        var index = annotation.first
        func token(_ offset: UInt32) -> Token? {
            let index = index + offset
            return index < annotation.end ? text.annotationTokens[Int(index)] : nil
        }
        guard let name = token(0), name.kind == .string else {
            throw fault(annotation, "missing section name")
        }
        let bytes = StringLiteral.bytes(text.source.window, name.range)
        guard (try? UTF8Span(validating: bytes.span)) != nil else {
            throw fault(annotation, "malformed UTF-8 encoding")
        }
        index += 1
        var place = ModuleSections.last
        if token(0)?.kind == .leftParenthesis {
            place = try self.place(annotation, token(1), token(2))
            guard token(3)?.kind == .rightParenthesis else {
                throw fault(annotation, "malformed placement")
            }
            index += 4
        }
        for rest in index..<max(annotation.end, index)
        where text.annotationTokens[Int(rest)].kind != .string {
            throw fault(annotation, "unexpected token")
        }
        var contents = ByteWriter()
        contents.write(sized: bytes)
        contents.write(strings(annotation, from: index))
        sections.customs.append(.init(place: place, contents: contents))
    }

    /// What `(before section)` or `(after section)` means.
    private mutating func place(
        _ annotation: Annotation, _ side: Token?, _ section: Token?
    ) throws(TextFault) -> Int {
        guard let side,
            side.payload == Keyword.before.rawValue
                || side.payload == Keyword.after.rawValue, side.kind == .keyword
        else { throw fault(annotation, "malformed placement") }
        let isAfter = side.payload == Keyword.after.rawValue
        guard let section, section.kind == .keyword,
            let keyword = Keyword(rawValue: section.payload)
        else { throw fault(annotation, "malformed section kind") }
        let sections: [Keyword: Section] = [
            .type: .type, .import: .import, .func: .function, .table: .table, .memory: .memory,
            .tag: .tag, .global: .global, .export: .export, .start: .start, .elem: .element,
            .datacount: .dataCount, .code: .code, .data: .data,
        ]
        if keyword == .first, !isAfter { return 0 }
        if keyword == .last, isAfter { return ModuleSections.last }
        guard let found = sections[keyword] else {
            throw fault(annotation, "malformed section kind")
        }
        return 2 * found.rank + (isAfter ? 1 : 0)
    }
}
