/// A call cannot be made in this way, or not now.
public enum AsynchronousCallError: Error, Hashable, Sendable, CaseIterable {
    /// Another call into the store has not ended, and this one is not made for it.
    case storeIsBusy
    /// Guests of the store may call asynchronous functions, so they have to be called
    /// asynchronously.
    case isSynchronous
    /// A guest calls an asynchronous function within a synchronous call, where it cannot wait.
    case cannotSuspend
    /// Something was to grow whose limiter is asynchronous, in a synchronous call or function.
    case limiterIsAsynchronous
    /// Guests that look themselves whether they are to stop cannot be made to let others run.
    case cannotYield
}

extension AsynchronousCallError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .storeIsBusy: "another call into the store has not ended"
        case .isSynchronous:
            "the store has asynchronous functions, so its guests have to be called asynchronously"
        case .cannotSuspend:
            "an asynchronous function was called within a synchronous call, where a guest cannot "
                + "wait"
        case .limiterIsAsynchronous:
            "the store's limiter is asynchronous, so whatever grows has to be asked for "
                + "asynchronously"
        case .cannotYield:
            "guests that poll for interruption cannot be made to let other tasks run"
        }
    }
}
