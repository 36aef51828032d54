internal import ApusABI

/// How the first tier's code counts.
extension Tiering {
    /// What code takes from its function's heat: what can be told in advance where somebody has set
    /// when functions are hot.
    var heatCount: FunctionLinkage.HeatCount {
        threshold == nil && seed == nil ? .bytes : .rounds
    }
}
