internal import ApusCollections
internal import ApusLocks
internal import CApusHost

/// The stores of an engine whose guests run code that can be replaced, and what they may still be
/// in of what has been.
///
/// A store that is not in a call is in no code, and whoever calls into it later finds the new code.
/// So an image that has been replaced is kept for the stores that are in a call at that moment, and
/// each of them lets go of it when its outermost call ends. Calls do nothing for that unless there
/// is such an image.
final class CodeGuests: Sendable {
    @safe private struct Guest {
        // SAFETY: the store's, which takes the guest out before it frees it. The store itself must
        // not be referred to here, since it may be going.
        nonisolated(unsafe) let context: UnsafeMutablePointer<apus_store_context>
        /// What it may still be in.
        var images: [CodeImage] = []

        /// Where it is among the guests; only with the lock held.
        var place: Int {
            // SAFETY: the context is there until the guest has been taken out.
            get { Int(unsafe context.pointee.guest_place) }
            nonmutating set { unsafe context.pointee.guest_place = Int64(newValue) }
        }
    }

    private let guests = SystemMutex<[Guest]>([])

    /// `store` gets its first instance whose code can be replaced.
    func add(_ store: RuntimeStore) {
        // SAFETY: the store takes itself out before its context goes.
        let guest = unsafe Guest(context: store.context)
        guests.withLock { guests in
            guest.place = guests.count
            guests.append(guest)
        }
    }

    /// `store` goes.
    func remove(_ store: RuntimeStore) {
        // SAFETY: all that are among the guests have their contexts; so has this one.
        let going = unsafe Guest(context: store.context)
        let guest = guests.withLock { guests -> Guest? in
            // The last one takes its place.
            let place = going.place
            guests.swapAt(place, guests.count - 1)
            guests[place].place = place
            return guests.popLast()
        }
        // What goes with it goes outside of the lock.
        _ = consume guest
    }

    /// Keeps `image`, in which no function begins any more, until all calls have ended that may be
    /// in it.
    func keepWhileRunning(_ image: CodeImage) {
        guests.withLock { guests in
            // SAFETY: guests take themselves out, under the lock, before their contexts go.
            for guest in guests { unsafe apus_attention_set(guest.context, Self.reason, 1) }
            // Who is not seen in a call below, and begins one, sees the new pointers; and who is
            // seen in one sees at its end that it has to look here. Without the barrier it is not
            // known who is in a call.
            let isKnown = apus_thread_barrier() == 0
            for index in guests.indices {
                if isKnown, unsafe apus_store_is_entered(guests[index].context) == 0 {
                    guard guests[index].images.isEmpty else { continue }
                    unsafe apus_attention_set(guests[index].context, Self.reason, 0)
                } else {
                    guests[index].images.append(image)
                }
            }
        }
    }

    /// The outermost call of `store` has ended.
    func left(_ store: RuntimeStore) {
        // SAFETY: guests take themselves out, under the lock, before they go.
        let guest = unsafe Guest(context: store.context)
        let images = guests.withLock { guests -> [CodeImage] in
            let index = guest.place
            unsafe apus_attention_set(guest.context, Self.reason, 0)
            defer { guests[index].images = [] }
            return guests[index].images
        }
        _ = consume images
    }

    private static var reason: UInt32 { UInt32(apus_attention_images.rawValue) }
}
