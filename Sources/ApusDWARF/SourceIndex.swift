internal import ApusCollections
internal import ApusLocks

/// Which sources a module's code comes from, by offsets in its code section. It is read from the
/// module's DWARF sections, or from a source map, as far as somebody asks; whatever these hold, the
/// work stays within what their size allows.
public final class SourceIndex: Sendable {
    private let information: SystemMutex<DebugInformation>?
    private let map: SourceMap?
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
    /// innermost first; empty if that is not known.
    public func frames(at offset: Int) -> [SourceFrame] {
        if let address = UInt32(exactly: offset - codeStart),
            let frames = information?.withLock({ $0.frames(at: address) }), !frames.isEmpty
        {
            return frames
        }
        guard let position = map?.position(at: offset) else { return [] }
        return [SourceFrame(function: nil, position: position)]
    }

    /// Does `body` with what the DWARF sections say, if there are such.
    func withInformation(_ body: (inout DebugInformation) -> Void) {
        information?.withLock { body(&$0) }
    }

    /// What may be done to find out what all functions of the module come from, once.
    public var budget: WorkBudget {
        WorkBudget(sectionBytes: information?.withLock { $0.sections.byteCount } ?? 0)
    }

    /// What the code at `offsets` of the module, that of one function, comes from; nil if that is
    /// not known. `budget` is one `budget` for all functions of the module.
    public func outline(
        of offsets: Range<Int>, _ budget: inout WorkBudget
    ) -> SourceOutline<Int>? {
        if let start = UInt32(exactly: offsets.lowerBound - codeStart),
            let end = UInt32(exactly: offsets.upperBound - codeStart), start <= end,
            let found = information?.withLock({ $0.outline(of: start..<end, &budget) })
        {
            return SourceOutline(found, from: codeStart)
        }
        guard let lines = map?.lines(in: offsets), !lines.isEmpty else { return nil }
        var outline = SourceOutline<Int>()
        for place in lines.indices {
            let next = place + 1 < lines.count ? lines[place + 1].offset : offsets.upperBound
            let start = max(lines[place].offset, offsets.lowerBound)
            if start >= next { continue }
            outline.stretches.append(
                SourceOutline.Stretch(
                    range: start..<next, position: lines[place].position, function: 0))
        }
        return outline.stretches.isEmpty ? nil : outline
    }

    /// Where the source's lines change in the code at `offsets` of the module: each position holds
    /// up to the next.
    public func lines(in offsets: Range<Int>) -> [(offset: Int, position: SourcePosition)] {
        if let start = UInt32(exactly: offsets.lowerBound - codeStart),
            let end = UInt32(exactly: offsets.upperBound - codeStart),
            start <= end, let lines = information?.withLock({ $0.lines(in: start..<end) }),
            !lines.isEmpty
        {
            return lines.map { (Int($0.address) + codeStart, $0.position) }
        }
        return map?.lines(in: offsets) ?? []
    }
}

extension SourceOutline<Int> {
    /// What `outline` says, by offsets in the module whose code section has its contents from
    /// `codeStart` on.
    fileprivate init(_ outline: SourceOutline<UInt32>, from codeStart: Int) {
        functions = outline.functions.map {
            Function(
                name: $0.name, linkageName: $0.linkageName, declaration: $0.declaration,
                start: Int($0.start) + codeStart)
        }
        stretches = outline.stretches.map {
            Stretch(
                range: Int($0.range.lowerBound) + codeStart..<Int($0.range.upperBound) + codeStart,
                position: $0.position, function: $0.function)
        }
    }
}
