import ApusABI
import ApusAssembler
import Testing

@Suite struct FrameLayoutTests {
    /// A leaf may take all of the room that is kept for it, and no more.
    @Test func onlySmallLeavesAreNotChecked() {
        let most = FrameLayout.uncheckedBytes
        #expect(!FrameLayout.needsStackCheck(isLeaf: true, frameBytes: most))
        #expect(FrameLayout.needsStackCheck(isLeaf: true, frameBytes: most + 1))
        #expect(FrameLayout.needsStackCheck(isLeaf: false, frameBytes: 0))
        #expect(most <= FrameLayout.headRoomBytes)
    }

    /// Frames beyond the head-room are compared by where they will end.
    @Test func largeFramesAreComparedByTheirEnds() {
        func lines(_ bytes: Int32) -> [String] {
            var code = CodeBuffer()
            let isExhausted = code.compareStack(frameBytes: bytes)
            #expect(isExhausted == .b)
            return CodeListing(code.span).lines.map(\.text)
        }
        #expect(lines(FrameLayout.headRoomBytes).count == 1)
        let large = lines(FrameLayout.headRoomBytes + 1)
        #expect(large.count == 2)
        #expect(large[0] == "lea r11, [rsp - 8193]")
    }

    /// Who asks for the caller's context finds that of a tail call where any other's is.
    @Test func tailFramesLookLikeOthers() {
        #expect(TailFrame.caller == FrameLayout.context)
    }
}
