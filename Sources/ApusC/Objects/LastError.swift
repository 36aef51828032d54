internal import Apus
internal import ApusWASI
public import CApusC

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Why the function that failed last on a thread did.
@safe
final class LastError {
    let kind: apus_error_kind_enum
    // SAFETY: an allocation of this object's own, which nobody changes.
    let text: UnsafeMutablePointer<CChar>

    private init(_ kind: apus_error_kind_enum, _ text: String) {
        self.kind = kind
        let bytes = text.utf8CString
        // SAFETY: the allocation has room for all bytes of the text, the final zero included, and
        // each is initialised.
        unsafe self.text = .allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() {
            unsafe (self.text + index).initialize(to: byte)
        }
    }

    // SAFETY: the allocation is this object's own, and trivial.
    deinit { unsafe text.deallocate() }

    /// Where each thread has its own; it goes with the thread.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        // SAFETY: what threads have there is nil or what `note` has put there.
        let result = unsafe pthread_key_create(&key) { value in
            unsafe release(value)
        }
        if result != 0 { Misuse.stop("apus_last_error", "the process has no room for it") }
        return key
    }()

    private static func release(_ value: UnsafeMutableRawPointer?) {
        // SAFETY: what threads have there is what `note` has retained and put there.
        if let value = unsafe value { unsafe Unmanaged<LastError>.fromOpaque(value).release() }
    }

    /// This thread's.
    static var current: LastError? {
        // SAFETY: what this thread has there is nil or what `note` has retained and put there.
        unsafe pthread_getspecific(key).map {
            unsafe Unmanaged<LastError>.fromOpaque($0).takeUnretainedValue()
        }
    }

    /// Notes why a function fails.
    static func note(_ error: any Error) {
        note(kind(of: error), "\(error)")
    }

    /// Notes why a function fails.
    static func note(_ kind: apus_error_kind_enum, _ text: String) {
        // SAFETY: what was there before is nil or what an earlier `note` has retained and put
        // there; it is released once, after it was replaced.
        let old = unsafe pthread_getspecific(key)
        let new = unsafe Unmanaged.passRetained(LastError(kind, text)).toOpaque()
        _ = unsafe pthread_setspecific(key, new)
        unsafe release(old)
    }

    /// What kind `error` is of.
    static func kind(of error: any Error) -> apus_error_kind_enum {
        switch error {
        case is ModuleError: APUS_ERROR_MODULE
        case is TextError: APUS_ERROR_TEXT
        case is LinkError, is ImportCountError: APUS_ERROR_LINK
        case is ExportError: APUS_ERROR_EXPORT
        case is TypeError, is VectorError, is CountError: APUS_ERROR_TYPE
        case is ForeignStoreError: APUS_ERROR_FOREIGN_STORE
        case is ResourceError: APUS_ERROR_RESOURCE
        case is ArtifactError: APUS_ERROR_ARTIFACT
        case is FileError: APUS_ERROR_FILE
        case is Trap, is WasmException, is HostTrap, is WASI.Exit: APUS_ERROR_TRAP
        default: APUS_ERROR_OTHER
        }
    }
}

/// Does `work`; if it throws, notes why and gives nil.
func noting<Result>(_ work: () throws -> Result?) -> Result? {
    do {
        return try work()
    } catch {
        LastError.note(error)
        return nil
    }
}

@c @implementation
public func apus_last_error_kind() -> apus_error_kind_t {
    apus_error_kind_t((LastError.current?.kind ?? APUS_ERROR_NONE).rawValue)
}

@c @implementation
public func apus_last_error() -> UnsafePointer<CChar>? {
    // SAFETY: the text is the thread's own until its next error, as `apus.h` says.
    unsafe LastError.current.map { unsafe UnsafePointer($0.text) }
}
