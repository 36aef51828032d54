internal import ApusABI

/// Follows a trace from the innermost frame outwards, and tells in which instance each function
/// ran.
///
/// A call within an instance leaves the context where it is, in its register. Code that calls
/// another instance has its own context in its frame, and takes it from there first of all when the
/// call has returned: by that instruction such a call is known.
struct ContextTracker {
    /// Of the frame that was looked at last; 0 if it is not known.
    private var context: UInt
    private let tailReturn: UInt

    /// For `trace`; `tailReturn` is the stub that tail calls into other instances return to.
    init(_ trace: Trace, _ tailReturn: UInt) {
        context = trace.context
        self.tailReturn = tailReturn
    }

    /// The context of the next frame of the trace, whose code is in `image`.
    mutating func context(
        of frame: Trace.Frame, _ image: CodeImage?, _ start: Backtrace.Start
    ) -> UInt {
        if frame.isFirst { context = 0 }
        // What such a frame has kept is what the caller around it goes on with.
        if frame.counter == tailReturn {
            context = frame.kept
            return context
        }
        guard let image else {
            context = 0
            return 0
        }
        let next = image.instruction(at: frame.counter)
        if start != .fault, next.restoresContext { context = frame.kept }
        let found = context
        if start == .anywhere {
            // On the way to another function: the register has that one's context already, or the
            // frame that comes next is not that of the caller.
            if next.entersFunction { return 0 }
            if next.changesFrame { context = 0 }
        }
        return found
    }
}

extension CodeImage {
    /// How the instruction at `address` begins.
    fileprivate func instruction(at address: UInt) -> InstructionStart {
        let code = bytes
        var start = InstructionStart()
        guard address >= base else { return start }
        for index in 0..<InstructionStart.byteCount {
            let place = Int(truncatingIfNeeded: address &- base) &+ index
            guard place < code.count else { break }
            start.add(code[place])
        }
        return start
    }
}
