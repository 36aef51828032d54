/// Is called with what it belongs to when that goes.
public typealias Finalizer = @convention(c) (UnsafeMutableRawPointer?) -> Void

/// Something of the host's, whose finalizer is called once: when this object goes.
@safe
final class HostInfo {
    // SAFETY: nothing is done with the pointer but to give it back.
    let pointer: UnsafeMutableRawPointer?
    private let finalizer: Finalizer?

    init(_ pointer: UnsafeMutableRawPointer?, _ finalizer: Finalizer?) {
        unsafe self.pointer = unsafe pointer
        unsafe self.finalizer = unsafe finalizer
    }

    deinit { unsafe finalizer?(pointer) }
}
