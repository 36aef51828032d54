/// How large a module may be: what the engines of the web have agreed on.
///
/// Each is a count unless its name says otherwise. A module beyond a limit is refused with
/// `ModuleError.Kind.limit`.
public struct DecodingLimits: Hashable, Sendable {
    public var moduleBytes = 1 << 30
    public var types = 1_000_000
    public var imports = 1_000_000
    public var functions = 1_000_000
    public var tags = 1_000_000
    public var globals = 1_000_000
    public var exports = 1_000_000
    public var tables = 100_000
    public var memories = 100
    public var elementSegments = 10_000_000
    public var dataSegments = 100_000
    public var parameters = 1_000
    public var results = 1_000
    /// Fields of one structure type.
    public var fields = 10_000
    public var functionBytes = 7_654_321

    public init() {}
}
