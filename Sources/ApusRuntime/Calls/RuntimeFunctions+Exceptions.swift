internal import ApusABI
internal import CApusHost

// SAFETY: contexts come from compiled code that runs; tags are valid, since the module is, and so
// are references to exceptions.
extension RuntimeFunctions {
    /// (tag) → a new exception
    static let exceptionMake: Entry = { context, tag, _, _, _, _ in
        unsafe withInstance(context) { instance in
            do {
                let tag = instance.tags[Int(truncatingIfNeeded: tag)]
                return try instance.store.makeExceptionForGuest(tag).bits
            } catch let failure as ObjectFailure {
                unsafe setTrap(context, failure.code)
            } catch {
                instance.store.fail(error)
            }
            return 0
        }
    }

    /// (exception)
    static let exceptionThrow: Entry = { context, bits, _, _, _, _ in
        guard let exception = ThrownException.of(bits) else {
            unsafe setTrap(context, .nullExceptionReference)
            return 0
        }
        unsafe withInstance(context) { $0.store.raise(exception, in: $0.module) }
        return 0
    }
}
