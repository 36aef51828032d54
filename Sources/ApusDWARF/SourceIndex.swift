internal import ApusCollections
internal import ApusLocks

/// Which sources a module's code comes from, by offsets in its code section. It is read from the
/// module's DWARF sections, or from a source map, as far as somebody asks; whatever these hold, the
/// work stays within what their size allows.
public final class SourceIndex: Sendable {
    private let information: SystemMutex<DebugInformation>?
    let map: SourceMap?
    /// Where offsets of the code section's contents count from, in the module's bytes.
    let codeStart: Int

    /// What `sections` say, or else `map`, of the module whose code section has its contents from
    /// `codeStart` on. Nil if neither says anything.
    public init?(_ sections: DebugSections, map: SourceMap?, codeStart: Int) {
        let hasSections = !sections[.information].isEmpty && !sections[.lines].isEmpty
        if !hasSections, map == nil { return nil }
        information = hasSections ? SystemMutex(DebugInformation(sections)) : nil
        self.map = map
        self.codeStart = codeStart
    }

    /// The functions of the source that the instruction at `offset` of the module belongs to,
    /// innermost first; empty if that is not known, or `budget` is spent.
    public func frames(at offset: Int, _ budget: inout WorkBudget) -> [SourceFrame] {
        if budget.isSpent { return [] }
        if let address = UInt32(exactly: offset - codeStart),
            let frames = look(&budget, { $0.frames(at: address) }), !frames.isEmpty
        {
            return frames
        }
        guard let position = map?.position(at: offset) else { return [] }
        budget.take(position.file.utf8.count)
        return [SourceFrame(function: nil, position: position)]
    }

    /// Whether it may know of variables and their types.
    public var knowsVariables: Bool { information != nil }

    /// The path of the module's own text, if that is all that its code comes from, and on which
    /// lines of it its functions' bodies and instructions are, ascending by their offsets.
    public var textLines: (path: String, lines: [(offset: Int, line: Int)])? {
        information == nil ? map?.textLines : nil
    }

    /// What `body` finds in the DWARF sections, if there are such, for as much work as `budget`
    /// allows.
    func look<Result>(
        _ budget: inout WorkBudget, _ body: (inout DebugInformation) -> Result
    ) -> Result? {
        information?.withLock { information in
            information.lookup = budget
            defer { budget = information.lookup }
            return body(&information)
        }
    }

    /// What may be done to find out what all functions of the module come from, once.
    public var budget: WorkBudget {
        // Names and paths are looked up besides what is read.
        WorkBudget(sectionBytes: 4 * (information?.withLock { $0.sections.byteCount } ?? 0))
    }

    /// What the code at `offsets` of the module, that of one function, comes from; nil if that is
    /// not known. `budget` is one `budget` for all functions of the module.
    public func outline(
        of offsets: Range<Int>, _ budget: inout WorkBudget
    ) -> SourceOutline<Int>? {
        if let start = UInt32(exactly: offsets.lowerBound - codeStart),
            let end = UInt32(exactly: offsets.upperBound - codeStart), start <= end,
            let found = look(&budget, { $0.outline(of: start..<end) }) ?? nil
        {
            return SourceOutline(found, from: codeStart)
        }
        guard let lines = map?.lines(in: offsets), !lines.rows.isEmpty else { return nil }
        var outline = SourceOutline<Int>()
        outline.files = lines.files
        for (place, row) in lines.rows.enumerated() {
            let next =
                place + 1 < lines.rows.count ? lines.rows[place + 1].offset : offsets.upperBound
            let start = max(row.offset, offsets.lowerBound)
            if start >= next { continue }
            outline.stretches.append(
                SourceOutline.Stretch(
                    range: start..<next, file: row.file, line: row.line, column: row.column,
                    function: 0))
        }
        return outline.stretches.isEmpty ? nil : outline
    }

    /// Where the source's lines change in the code at `offsets` of the module: each row holds up
    /// to the next.
    public func lines(
        in offsets: Range<Int>, _ budget: inout WorkBudget
    ) -> SourceLines<Int> {
        if let start = UInt32(exactly: offsets.lowerBound - codeStart),
            let end = UInt32(exactly: offsets.upperBound - codeStart), start <= end,
            let found = look(&budget, { $0.lines(in: start..<end) }), !found.rows.isEmpty
        {
            return SourceLines(found, from: codeStart)
        }
        return map?.lines(in: offsets) ?? SourceLines()
    }
}

extension SourceLines<Int> {
    /// What `lines` say, by offsets in the module whose code section has its contents from
    /// `codeStart` on.
    fileprivate init(_ lines: SourceLines<UInt32>, from codeStart: Int) {
        files = lines.files
        rows = lines.rows.map {
            Row(
                offset: Int($0.offset) + codeStart, file: $0.file, line: $0.line,
                column: $0.column)
        }
    }
}

extension SourceOutline<Int> {
    /// What `outline` says, by offsets in the module whose code section has its contents from
    /// `codeStart` on.
    fileprivate init(_ outline: SourceOutline<UInt32>, from codeStart: Int) {
        files = outline.files
        functions = outline.functions.map {
            Function(
                name: $0.name, linkageName: $0.linkageName, declaration: $0.declaration,
                start: Int($0.start) + codeStart)
        }
        stretches = outline.stretches.map {
            Stretch(
                range: Int($0.range.lowerBound) + codeStart..<Int($0.range.upperBound) + codeStart,
                file: $0.file, line: $0.line, column: $0.column, function: $0.function)
        }
    }
}
