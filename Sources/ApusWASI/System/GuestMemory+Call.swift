@_spi(ApusWASI) internal import Apus

extension GuestMemory {
    // SAFETY: the bytes stay where they are until the host function returns, and so does `self`.
    /// The memory of the instance that makes `call`; empty if it exports none. Valid during the
    /// call.
    init(of call: borrowing CellCall) {
        guard let bytes = unsafe call.memoryBytes, let base = bytes.baseAddress else {
            self = .empty
            return
        }
        unsafe self.init(base, count: bytes.count)
    }

    // SAFETY: the bytes stay where they are until the function returns; `self` is of use no longer.
    /// The memory of the instance whose guest waits for `call`; empty if it exports none. Valid
    /// until the function returns.
    init(of call: SuspendedCellCall) {
        guard let bytes = unsafe call.memoryBytes, let base = bytes.baseAddress else {
            self = .empty
            return
        }
        unsafe self.init(base, count: bytes.count)
    }
}
