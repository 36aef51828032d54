import Apus
import ApusLocks
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An instance of `module` in a store of its own.
func makeInstance(
    _ module: TestModule, _ define: (inout Linker) throws -> Void = { _ in }
) throws -> Instance {
    let engine = Engine()
    var linker = Linker(engine)
    try define(&linker)
    return try linker.instantiate(Module(engine, bytes: module.bytes), in: Store(engine))
}

/// The trap that `work` ends in, if it does.
func trap(_ work: () throws -> Void) -> Trap? {
    do {
        try work()
        return nil
    } catch {
        return error as? Trap
    }
}

/// An error of the tests' own, told apart by its number.
struct TestError: Error, Hashable {
    var number: Int
}

/// A number that closures change, from any thread.
final class Counter: Sendable {
    private let value = SystemMutex(0)

    func add(_ amount: Int = 1) { value.withLock { $0 += amount } }
    var total: Int { value.withLock { $0 } }
}

/// Bytes of memory that this process uses; 0 where the system does not tell.
func residentBytes() -> Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard unsafe fgets(&line, 256, file) != nil else { return 0 }
    let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let fields = text.split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
}

/// Has the testing library not keep a backtrace of each error that is thrown in this process, so
/// that what is measured is ours.
func stopKeepingErrors() {
    #if os(Linux)
        for hook in ["_swift_willThrow", "_swift_willThrowTypedImpl"] {
            unsafe dlsym(nil, hook)?.storeBytes(of: 0, as: UInt.self)
        }
    #endif
}

/// A thread of the tests.
struct TestThread {
    fileprivate let thread: pthread_t
}

/// Starts `work` on a thread that has `stackBytes` bytes of stack.
func startThread(stackBytes: Int, _ work: @escaping @Sendable () -> Void) -> TestThread {
    final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setstacksize(&attributes, stackBytes)
    #if canImport(Darwin)
        var thread: pthread_t?
    #else
        var thread = pthread_t()
    #endif
    let argument = unsafe Unmanaged.passRetained(Work(work)).toOpaque()
    let error = unsafe pthread_create(
        &thread, &attributes,
        { argument in
            let argument: UnsafeMutableRawPointer? = unsafe argument
            if let argument = unsafe argument {
                unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
            }
            return nil
        }, argument)
    precondition(error == 0)
    #if canImport(Darwin)
        return TestThread(thread: thread!)
    #else
        return TestThread(thread: thread)
    #endif
}

/// Waits for the end of `thread`.
func join(_ thread: TestThread) { pthread_join(thread.thread, nil) }

/// Does `work` on a thread that has `stackBytes` bytes of stack.
func runOnThread(stackBytes: Int, _ work: @escaping @Sendable () -> Void) {
    join(startThread(stackBytes: stackBytes, work))
}
