internal import ApusABI

/// How the first tier's code counts.
extension Tiering {
    /// What a call may run in loops until its function's heat knows: less than whatever is hot has
    /// run.
    private static var heatAllowance: Int32 { 4096 }

    /// What code takes from its function's heat. Of thresholds so low that it would be noticed
    /// nobody has an allowance.
    var heatCount: FunctionLinkage.HeatCount {
        if let threshold {
            let allowance = min(Int32(clamping: threshold / 1024), Self.heatAllowance)
            return .init(.rounds, allowance: max(allowance, 0))
        }
        return .init(.bytes, allowance: seed == nil ? Self.heatAllowance : 0)
    }
}
