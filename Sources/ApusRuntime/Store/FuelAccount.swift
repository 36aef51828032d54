internal import ApusCollections

/// How much fuel a store's guests have used, although the embedder may set what is left at any
/// time.
struct FuelAccount {
    /// Used before what is left was last set.
    private var used: UInt64 = 0
    /// What was left when it was last set.
    private var granted: Int64 = 0

    /// What there was when it was last set.
    var limit: UInt64 { UInt64(max(0, granted)) }

    /// What is left is set to `amount` while there is `left`.
    mutating func set(_ amount: Int64, left: Int64) {
        used = total(left: left)
        granted = amount
    }

    /// What has been used while there is `left`.
    func total(left: Int64) -> UInt64 {
        let spent = granted.subtractingReportingOverflow(left)
        return used &+ UInt64(max(0, spent.overflow ? .max : spent.partialValue))
    }
}
