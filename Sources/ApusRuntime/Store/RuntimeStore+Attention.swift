internal import CApusHost

extension RuntimeStore {
    /// Whether calls have to take care of `reason`.
    @inline(__always)
    func has(_ reason: apus_attention) -> Bool {
        // SAFETY: the context is the store's own allocation, which lives as long as the store. The
        // field is read as one.
        unsafe apus_attention_of(context) & reason.rawValue != 0
    }

    /// Sets whether calls have to take care of `reason`.
    func setAttention(_ reason: apus_attention, _ isNeeded: Bool) {
        // SAFETY: the context is the store's own allocation, which lives as long as the store. The
        // field is changed as one.
        unsafe apus_attention_set(context, reason.rawValue, isNeeded ? 1 : 0)
    }
}
