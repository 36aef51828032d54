import Apus
import CApusHost
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Threads that are to run guests.
@Suite struct ThreadTests {
    /// A thread is prepared once, ahead of its first call.
    @Test func threadsArePreparedAheadOfTime() throws {
        try onThread {
            #expect(unsafe apus_thread_record().pointee.prepared == 0)
            let engine = Engine()
            try engine.prepareThread()
            #expect(unsafe apus_thread_record().pointee.prepared == 1)
            #expect(unsafe apus_thread_record().pointee.stack_low != 0)
            var stack = unsafe stack_t()
            #expect(unsafe sigaltstack(nil, &stack) == 0)
            #expect(unsafe stack.ss_flags & Int32(SS_DISABLE) == 0 && stack.ss_size >= 16 << 10)
            let pointer = unsafe stack.ss_sp
            try engine.prepareThread()
            // The first call changes nothing any more.
            let module = try Module(engine, text: "(module (func (export \"f\") unreachable))")
            let f = try Instance(Store(engine), module).function("f", as: (() -> Void).self)
            #expect(trap { try f() }?.code == .unreachable)
            #expect(unsafe sigaltstack(nil, &stack) == 0)
            #expect(unsafe stack.ss_sp == pointer)
        }
    }

    /// Calls also run on threads that nobody has prepared, and whose host blocks the signals.
    @Test func preparedThreadsReceiveTraps() throws {
        try onThread {
            var set = sigset_t()
            unsafe sigemptyset(&set)
            unsafe sigaddset(&set, SIGILL)
            unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
            let engine = Engine()
            try engine.prepareThread()
            var present = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &present)
            #expect(unsafe sigismember(&present, SIGILL) == 0)
        }
    }

    private func onThread(_ work: @escaping () throws -> Void) throws {
        final class Work {
            let body: () throws -> Void
            var error: (any Error)?
            init(_ body: @escaping () throws -> Void) { self.body = body }
        }
        let work = Work(work)
        var thread = pthread_t()
        let error = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let work = unsafe Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue()
                do { try work.body() } catch { work.error = error }
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        #expect(error == 0)
        pthread_join(thread, nil)
        if let error = work.error { throw error }
    }
}
