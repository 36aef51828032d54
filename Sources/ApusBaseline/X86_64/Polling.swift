internal import ApusABI
internal import ApusAssembler

/// Interruption without signals: code looks whether it is to stop.
extension BaselineCompiler {
    /// Leaves if the thread has been told to. Changes the flags.
    mutating func poll() {
        guard pollsInterruption else { return }
        let isAsked = code.compareRequests()
        trap(.interrupted, if: isAsked)
    }
}
