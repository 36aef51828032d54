internal import CApusHost

// SAFETY: the context lives as long as the store, and only the store's thread uses the field.
extension RuntimeStore {
    /// Whether calls have to take care of `reason`.
    @inline(__always)
    func has(_ reason: apus_attention) -> Bool {
        unsafe context.pointee.attention & reason.rawValue != 0
    }

    /// Sets whether calls have to take care of `reason`.
    func setAttention(_ reason: apus_attention, _ isNeeded: Bool) {
        if isNeeded {
            unsafe context.pointee.attention |= reason.rawValue
        } else {
            unsafe context.pointee.attention &= ~reason.rawValue
        }
    }
}
