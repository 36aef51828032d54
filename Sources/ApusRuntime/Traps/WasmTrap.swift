public import ApusABI

/// Wasm code stopped.
///
/// Errors that host functions throw are not traps: they pass through unchanged.
public struct WasmTrap: Error, Sendable {
    public var code: TrapCode
    public var backtrace: Backtrace

    public init(_ code: TrapCode, backtrace: Backtrace = Backtrace()) {
        self.code = code
        self.backtrace = backtrace
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
