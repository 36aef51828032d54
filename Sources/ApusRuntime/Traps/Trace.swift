internal import ApusCollections
internal import CApusHost

/// Where functions had got to that had not returned, innermost first, before names are looked up.
/// Their modules live as long as the store.
struct Trace {
    /// One of them.
    struct Frame {
        var counter: UInt
        /// What its frame has where functions that can leave their instance keep their context:
        /// anything, if its function does not.
        var kept: UInt
        /// Whether it is the innermost one of its activation. What is known of the instance of the
        /// frame before says nothing of its own.
        var isFirst = false
    }

    var frames: [Frame] = []
    /// The context of the code that was left; 0 if that is not known.
    var context: UInt = 0
    /// Frames that are known already.
    var framesBefore = 0
    var isTruncated = false
}

extension RuntimeStore {
    /// What the last trap has left of the activation that it has ended.
    func takeTrace() -> Trace {
        // SAFETY: the context is the store's own allocation, which lives as long as the store. The
        // handler, or the way out, has written `trace_count` places, at most `trace_capacity`, and
        // as many words where there is room for them.
        var trace = Trace(context: unsafe context.pointee.trap_context)
        guard let places = unsafe context.pointee.trace else { return trace }
        let count = Int(unsafe context.pointee.trace_count)
        let kept = unsafe context.pointee.trace_contexts
        trace.isTruncated = unsafe context.pointee.trace_count == context.pointee.trace_capacity
        trace.frames.reserveCapacity(count)
        for index in 0..<count {
            trace.frames.append(
                Trace.Frame(counter: unsafe places[index], kept: unsafe kept?[index] ?? 0))
        }
        return trace
    }

    /// Adds the frames of the activation that the store is in now and of those around it.
    func addOuterFrames(to trace: inout Trace) {
        forEachOuterActivation { exitCounter, exitFrame, entryFrame, low in
            walk(exitCounter, exitFrame, entryFrame, low, &trace)
        }
    }

    // SAFETY: the frames between exit and entry belong to an activation that is suspended further
    // up this thread's stack, or on a stack of its own. There is room for as many places as may be
    // written, and for as many words.
    private func walk(
        _ exitCounter: UInt, _ exitFrame: UInt, _ entryFrame: UInt, _ low: UInt,
        _ trace: inout Trace
    ) -> Bool {
        let room =
            environment.configuration.keptFrames - trace.framesBefore - trace.frames.count
        guard room > 0 else {
            trace.isTruncated = true
            return false
        }
        let tracesInstances = environment.configuration.tracesInstances
        let words = tracesInstances ? 2 * room : room
        unsafe withUnsafeTemporaryAllocation(of: UInt.self, capacity: words) { buffer in
            guard let places = buffer.baseAddress else { return }
            let kept = unsafe tracesInstances ? places + room : nil
            unsafe places[0] = exitCounter
            let count =
                unsafe 1
                + apus_trace_walk(
                    exitFrame, low, entryFrame, places + 1, UInt32(truncatingIfNeeded: room - 1))
            if let kept = unsafe kept {
                unsafe apus_trace_contexts(
                    exitFrame, low, entryFrame, context.pointee.tail_return, places, kept, count)
            }
            for index in 0..<Int(count) {
                trace.frames.append(
                    Trace.Frame(
                        counter: unsafe places[index], kept: unsafe kept?[index] ?? 0,
                        isFirst: index == 0))
            }
            if Int(count) == room { trace.isTruncated = true }
        }
        return !trace.isTruncated
    }
}
