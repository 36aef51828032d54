internal import ApusCollections

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Threads that do one piece of work together and end.
@_spi(ApusCLI)
public enum WorkerThreads {
    /// How many processors this machine has.
    static var processorCount: Int { max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Calls `body` on `count` threads, this one among them, and returns when all are done.
    /// Where the system has fewer threads to give, fewer call it.
    static func run(_ count: Int, _ body: @escaping @Sendable () -> Void) {
        let work = Work(body)
        var threads: [pthread_t] = []
        for _ in 1..<max(count, 1) {
            if let thread = start(work) { threads.append(thread) }
        }
        body()
        for thread in threads { pthread_join(thread, nil) }
    }

    /// Calls `body` on a thread of its own, which nobody waits for. False if the system has none.
    public static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        guard let thread = start(Work(body)) else { return false }
        pthread_detach(thread)
        return true
    }

    // SAFETY: the new thread owns the reference that is passed retained; if there is no thread,
    // it is released here.
    private static func start(_ work: Work) -> pthread_t? {
        let argument = unsafe Unmanaged.passRetained(work)
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        // Signals of the process are for threads of the host's; what a thread does itself is not.
        var others = sigset_t()
        var previous = sigset_t()
        unsafe sigfillset(&others)
        for own in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT] {
            unsafe sigdelset(&others, own)
        }
        unsafe pthread_sigmask(SIG_SETMASK, &others, &previous)
        let error = unsafe pthread_create(
            &thread, nil,
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
        unsafe pthread_sigmask(SIG_SETMASK, &previous, nil)
        if error != 0 {
            unsafe argument.release()
            return nil
        }
        return thread
    }
}
