internal import ApusCollections

/// Why a guest was stopped from outside.
public enum Interruption: Hashable, Sendable {
    /// A deadline has passed; how long after it was set, if that is known.
    case deadline(after: Duration?)
    /// Somebody asked for it, from any thread.
    case request
    /// The task that ran it was cancelled.
    case cancellation
}

// MARK: For the thread's record

extension Interruption {
    // Two bits say which, the others hold the nanoseconds of a deadline: 0 if they are not known.
    var bits: UInt64 {
        switch self {
        case .request: 1
        case .cancellation: 2
        case .deadline(let duration): Self.nanoseconds(duration) << 2 | 3
        }
    }

    init?(bits: UInt64) {
        switch bits & 3 {
        case 1: self = .request
        case 2: self = .cancellation
        case 3:
            let nanoseconds = Int64(bits >> 2)
            self = .deadline(after: nanoseconds == 0 ? nil : .nanoseconds(nanoseconds))
        default: return nil
        }
    }

    private static func nanoseconds(_ duration: Duration?) -> UInt64 {
        // A hundred years and more are nobody's deadline.
        guard let duration, duration > .zero, duration < .seconds(1 << 32) else { return 0 }
        return Interrupter.nanoseconds(duration)
    }
}
