// SAFETY: only the type of a C function.
/// Is called with what it belongs to when that goes.
public typealias Finalizer = @convention(c) (UnsafeMutableRawPointer?) -> Void

/// Something of the host's, whose finalizer is called once: when this object goes.
@safe
final class HostInfo {
    // SAFETY: nothing is done with the pointer but to give it back.
    let pointer: UnsafeMutableRawPointer?
    private let finalizer: Finalizer?

    init(_ pointer: UnsafeMutableRawPointer?, _ finalizer: Finalizer?) {
        // SAFETY: kept as the properties say.
        unsafe self.pointer = unsafe pointer
        unsafe self.finalizer = unsafe finalizer
    }

    // SAFETY: the embedder's function gets the embedder's pointer, once, since nothing refers to it
    // any more.
    deinit { unsafe finalizer?(pointer) }
}
