internal import ApusLocks
internal import CApusHost

/// A way back to an object that does not keep it, and ends when the object does.
///
/// A `weak` reference would do, but an object that ever had one has its references counted in
/// another place, and each of them costs twice as much from then on.
@safe
public final class BackReference<Object: AnyObject>: Sendable {
    // SAFETY: the object is there, though it may be going, for as long as `place` names it: it is
    // what opens and closes this, the latter in `deinit`, before its memory is given back, and
    // nobody is between looking and keeping it then, since both take the lock.
    private let place = SystemMutex<Place>(Place())

    @safe private struct Place: @unchecked Sendable {
        // SAFETY: see above.
        var object: Unmanaged<Object>?
    }

    init() {}

    // SAFETY: the object is there until it closes this.
    /// Leads to `object` from now on, which has this and closes it.
    func open(_ object: Object) {
        place.withLock { unsafe $0.object = .passUnretained(object) }
    }

    // SAFETY: nothing is left of the object's address.
    /// Leads nowhere any more.
    func close() {
        place.withLock { unsafe $0.object = nil }
    }

    /// The object, if it is not going.
    public var object: Object? {
        // SAFETY: what is named is there while the lock is held, and kept when it is given back.
        place.withLock { place in
            guard let object = unsafe place.object else { return nil }
            let kept = unsafe apus_keep_unless_going(object.toOpaque())
            return unsafe kept == nil ? nil : object.takeRetainedValue()
        }
    }
}
