internal import ApusABI
internal import ApusAssembler

/// Interruption without signals: code looks whether it is to stop.
extension BaselineCompiler {
    /// Leaves if the thread has been told to. Changes the flags.
    mutating func poll() {
        guard pollsInterruption else { return }
        let scratch = CallingConvention.scratch
        code.load(
            .w64, scratch, Address(CallingConvention.context, ContextField.storeContext))
        code.load(.w64, scratch, Address(scratch, StoreField.requests))
        code.alu(.cmp, .w32, Address(scratch), immediate: 0)
        trap(.interrupted, if: .ne)
    }
}
