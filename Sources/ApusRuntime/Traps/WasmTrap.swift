public import ApusABI

/// Wasm code stopped.
///
/// Errors that host functions throw are not traps: they pass through unchanged.
public struct WasmTrap: Error, Sendable {
    public var code: TrapCode
    public var backtrace: Backtrace
    /// Who wanted it, if the code is `interrupted`.
    public var interruption: Interruption?
    /// The limit that was reached, if it was one of stack (bytes) or fuel.
    public var limit: UInt64?

    public init(
        _ code: TrapCode, backtrace: Backtrace = Backtrace(), interruption: Interruption? = nil,
        limit: UInt64? = nil
    ) {
        self.code = code
        self.backtrace = backtrace
        self.interruption = interruption
        self.limit = limit
    }
}

extension WasmTrap: CustomStringConvertible {
    /// The specification's text, then one line per frame.
    public var description: String {
        var text = "trap: \(code)"
        for frame in backtrace.frames { text += "\n  at \(frame)" }
        if backtrace.isTruncated { text += "\n  …" }
        return text
    }
}
