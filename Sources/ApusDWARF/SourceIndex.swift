internal import ApusCollections
internal import Synchronization

/// Which sources a module's code comes from, by offsets in its code section. It is read from the
/// module's DWARF sections, or from a source map, as far as somebody asks; whatever these hold, the
/// work stays within what their size allows.
public final class SourceIndex: Sendable {
    private let information: Mutex<DebugInformation>?
    private let map: SourceMap?
    /// Where offsets of the code section's contents count from, in the module's bytes.
    let codeStart: Int

    /// What `sections` say, or else `map`, of the module whose code section has its contents from
    /// `codeStart` on. Nil if neither says anything.
    public init?(_ sections: DebugSections, map: SourceMap?, codeStart: Int) {
        let hasSections = !sections[.information].isEmpty && !sections[.lines].isEmpty
        if !hasSections, map == nil { return nil }
        information = hasSections ? Mutex(DebugInformation(sections)) : nil
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
