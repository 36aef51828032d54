internal import ApusABI
internal import CApusHost

extension RuntimeFunctions {
    /// (tag) → a new exception
    static let exceptionMake: Entry = { context, tag, _, _, _, _ in
        // SAFETY: the context is one that runs: compiled code passes its own. The tag's number is
        // the module's, as validated.
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
            // SAFETY: the context is one that runs: compiled code passes its own. What is not null
            // is an exception, as validated.
            unsafe setTrap(context, .nullExceptionReference)
            return 0
        }
        unsafe withInstance(context) { $0.store.raise(exception, in: $0.module) }
        return 0
    }
}
