internal import CApusHost

// SAFETY: the context lives as long as the store; the field is read and written as one.
extension RuntimeStore {
    /// Whether calls have to take care of `reason`.
    @inline(__always)
    func has(_ reason: apus_attention) -> Bool {
        unsafe apus_attention_of(context) & reason.rawValue != 0
    }

    /// Sets whether calls have to take care of `reason`.
    func setAttention(_ reason: apus_attention, _ isNeeded: Bool) {
        unsafe apus_attention_set(context, reason.rawValue, isNeeded ? 1 : 0)
    }
}
