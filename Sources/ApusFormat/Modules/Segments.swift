/// References to be put into a table. Specification: 2.5.8 “Element Segments”.
public struct ElementSegment: Hashable, Sendable {
    public var mode: Mode
    public var type: ValueType
    public var initializers: Initializers

    public init(mode: Mode, type: ValueType, initializers: Initializers) {
        self.mode = mode
        self.type = type
        self.initializers = initializers
    }

    /// The type of what is in it: functions named by index are never null.
    public var contentType: ValueType {
        if case .functions = initializers { return .reference(.func, nullable: false) }
        return type
    }

    /// When the segment is used: on demand, at instantiation, or never.
    public enum Mode: Hashable, Sendable {
        case passive
        case active(table: UInt32, offset: ConstantExpression)
        case declarative
    }

    /// The two forms the binary format has.
    public enum Initializers: Hashable, Sendable {
        case functions([UInt32])
        case expressions([ConstantExpression])

        public var count: Int {
            switch self {
            case .functions(let indices): indices.count
            case .expressions(let expressions): expressions.count
            }
        }
    }
}

/// Bytes to be put into a memory. Specification: 2.5.9 “Data Segments”.
public struct DataSegment: Hashable, Sendable {
    public var mode: Mode
    /// Where the bytes lie in the module.
    public var contents: Range<Int>

    public init(mode: Mode, contents: Range<Int>) {
        self.mode = mode
        self.contents = contents
    }

    /// When the segment is used: on demand or at instantiation.
    public enum Mode: Hashable, Sendable {
        case passive
        case active(memory: UInt32, offset: ConstantExpression)
    }
}
