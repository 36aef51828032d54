internal import ApusAssembler
internal import ApusCollections

/// Where loops begin: a short loop in two of the processor's lines can take half as long again as
/// one in a single line.
extension Emitter {
    /// A loop that has no others inside, as it was measured.
    struct InnerLoop: BitwiseCopyable {
        var start: UInt32
        var bytes: UInt32 = 0
    }

    private static var innerAlignment: Int { 32 }
    private static var outerAlignment: Int { 16 }

    /// Starts a loop. Code that is only measured is not aligned: it tells how long loops are.
    mutating func alignLoop(isInner: Bool) {
        hasLoops = true
        let most = isInner ? CodeBuffer.lineBytes : Self.outerAlignment
        addSlack(most &- 1)
        guard isInner else {
            if !isMeasuring { code.align(to: Self.outerAlignment) }
            return
        }
        if isMeasuring {
            innerLoops.append(InnerLoop(start: UInt32(truncatingIfNeeded: code.count)))
        } else if innerLoopCount < innerLoops.count {
            alignInnerLoop(bytes: Int(innerLoops[innerLoopCount].bytes))
        }
        innerLoopCount &+= 1
    }

    private mutating func alignInnerLoop(bytes: Int) {
        code.align(to: bytes <= CodeBuffer.lineBytes ? CodeBuffer.lineBytes : Self.innerAlignment)
    }

    /// Notes where the loop ends that was started last, if it has not ended before.
    mutating func endInnerLoop() {
        guard isMeasuring, !innerLoops.isEmpty, innerLoops.last.bytes == 0 else { return }
        innerLoops.last.bytes =
            UInt32(truncatingIfNeeded: code.count) &- innerLoops.last.start
    }
}
