#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Processor time that the calling thread has taken: what a test takes, however busy the machine is
/// and however long the test has waited for a thread.
public func threadTime() -> Duration {
    var time = timespec()
    // SAFETY: the record is this function's own.
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
