#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

// SAFETY: a thread's name is no more than that: any thread may wait for its end.
/// A thread of the host's that does one thing and ends.
struct HostThread: @unchecked Sendable {
    private let handle: pthread_t

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    // SAFETY: the new thread owns the reference that is passed retained; if there is no thread,
    // it is released here.
    /// Has a new thread, with a stack of `stackBytes`, do `body`; nil if the system has none.
    init?(stackBytes: Int, _ body: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        guard unsafe pthread_attr_init(&attributes) == 0 else { return nil }
        defer { unsafe pthread_attr_destroy(&attributes) }
        guard unsafe pthread_attr_setstacksize(&attributes, stackBytes) == 0 else { return nil }
        let argument = unsafe Unmanaged.passRetained(Work(body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let error = unsafe pthread_create(
            &thread, &attributes,
            { argument in
                #if canImport(Darwin)
                    let work = unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
                #else
                    guard let argument = unsafe argument else { return nil }
                    let work = unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
                #endif
                work.body()
                return nil
            }, argument.toOpaque())
        guard error == 0 else {
            unsafe argument.release()
            return nil
        }
        #if canImport(Darwin)
            guard let thread else { return nil }
        #endif
        handle = thread
    }

    /// Waits until the thread has ended. To be called once.
    func join() { pthread_join(handle, nil) }
}
