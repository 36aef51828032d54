import CApusHost
import Testing

@testable import ApusRuntime

/// Walks over frames that are as they should be, and others.
@Suite struct TraceTests {
    /// Walks from `start` over words of a stack, of which the last is the entry trampoline's frame;
    /// words and `start` count in words from the lowest.
    private func walk(
        _ words: [UInt], from start: Int, low: Int = 0, capacity: Int = 16
    ) -> [UInt] {
        let memory = UnsafeMutablePointer<UInt>.allocate(capacity: words.count)
        defer { unsafe memory.deallocate() }
        let base = UInt(bitPattern: memory)
        for (index, word) in words.enumerated() {
            // Small numbers are places, others are as they are.
            unsafe memory[index] = word < 100 ? base &+ 8 &* word : word
        }
        var trace = [UInt](repeating: 0, count: capacity)
        let count = unsafe apus_trace_walk(
            base &+ UInt(bitPattern: 8 &* start), base &+ UInt(8 * low),
            base &+ UInt(8 * (words.count - 1)), &trace, UInt32(capacity))
        return Array(trace.prefix(Int(count)))
    }

    @Test func followsFramesToTheEntry() {
        #expect(walk([2, 1001, 4, 1002, 6, 1003, 0], from: 0) == [1001, 1002])
        #expect(walk([2, 1001, 4, 1002, 6, 1003, 0], from: 0, capacity: 1) == [1001])
        #expect(walk([2, 1001, 4, 1002, 6, 1003, 0], from: 2) == [1002])
    }

    @Test func staysWithinTheStackInUse() {
        // Below the stack pointer, far away, not aligned, backwards, above the entry's frame.
        #expect(walk([2, 1001, 4, 1002, 0], from: 0, low: 2) == [])
        #expect(walk([2, 1001, 4, 1002, 0], from: -1 << 40) == [])
        #expect(walk([2, 1001, 4, 1002, 0], from: 1 << 40) == [])
        #expect(walk([1005, 1001, 4, 1002, 0], from: 0) == [])
        #expect(walk([2, 1001, 0, 1002, 0], from: 0) == [1001])
        #expect(walk([1 << 60, 1001, 4, 1002, 0], from: 0) == [])
    }

    /// What frames keep is read where the walk has been, and nowhere else.
    @Test func readsWhatFramesKeep() {
        var words: [UInt] = [0, 0, 501, 502, 0, 1001, 503, 504, 0, 1002, 0]
        let count = words.count
        unsafe words.withUnsafeMutableBufferPointer { words in
            guard let start = words.baseAddress else { return }
            let base = UInt(bitPattern: start)
            unsafe words[4] = base + 8 * 8
            unsafe words[8] = base + 8 * 10
            var contexts = [UInt](repeating: 7, count: 3)
            let places: [UInt] = [1000, 1001, 1002]
            unsafe apus_trace_contexts(
                base + 8 * 4, base, base + UInt(8 * (count - 1)), 1001, places, &contexts, 3)
            // The frame that returns to the stub of tail calls has another word; the third one is
            // not a frame.
            #expect(contexts == [502, 503, 0])
            unsafe apus_trace_contexts(
                base + 8 * 4, base + 8 * 3, base + UInt(8 * (count - 1)), 0, places, &contexts, 1)
            #expect(contexts[0] == 0)
        }
    }
}
