internal import ApusCollections

/// A place in code whose contents are known only when the module's functions have their places.
public struct CodeRelocation: BitwiseCopyable, Sendable {
    /// What a 32-bit displacement leads to.
    public enum Kind: UInt8, BitwiseCopyable, Sendable {
        /// The function's first instruction; the displacement ends its instruction.
        case code
        /// The function's code pointer (`FunctionLinkage`); the displacement ends its instruction.
        case pointer
        /// The function's heat, behind its code pointer; a 32-bit immediate follows the
        /// displacement.
        case heat
        /// The same; the displacement ends its instruction.
        case heldHeat
        /// Whether other code can take over, behind the heat; an 8-bit immediate follows the
        /// displacement.
        case takeover
        /// What has been counted of a call (`CallCounts`), that at `bodyOffset`; the displacement
        /// ends its instruction.
        case counts
        /// How often that has met the callee that it was counted for.
        case hits
        /// One of the function's counters (`BlockCounters`), by its number; the displacement ends
        /// its instruction.
        case counter

        /// Whether it leads to the counts of a call.
        @inline(__always)
        public var isOfCounts: Bool { self == .counts || self == .hits }

        /// Bytes from the code pointer, or the counts, to what is wanted, less those from the end
        /// of the displacement to that of the instruction.
        @inline(__always)
        public var addend: Int {
            switch self {
            case .code, .pointer, .counts, .counter: 0
            case .heat: FunctionLinkage.heatOffset - 4
            case .heldHeat: FunctionLinkage.heatOffset
            case .takeover: FunctionLinkage.takeoverOffset - 1
            case .hits: Int(CallCounts.hitsOffset)
            }
        }
    }

    private static var bodyOffsetShift: UInt32 { 8 }

    /// Offset of the displacement from the start of the function's code.
    public var codeOffset: UInt32
    /// In the module's function index space.
    public var function: UInt32
    /// The kind, and above it the offset in the body, or the number of a counter.
    private var packed: UInt32

    @inline(__always)
    public init(_ kind: Kind, codeOffset: Int, function: UInt32, bodyOffset: UInt32 = 0) {
        self.codeOffset = UInt32(truncatingIfNeeded: codeOffset)
        self.function = function
        packed = UInt32(kind.rawValue) | bodyOffset << Self.bodyOffsetShift
    }

    /// The place of counter `counter` of `function`.
    @inline(__always)
    public init(counter: UInt32, codeOffset: Int, function: UInt32) {
        self.init(.counter, codeOffset: codeOffset, function: function, bodyOffset: counter)
    }

    public var kind: Kind {
        Kind(rawValue: UInt8(truncatingIfNeeded: packed)) ?? .code
    }

    /// Of what belongs to an instruction: where that is in the function's body, 24 bits.
    public var bodyOffset: UInt32 { packed >> Self.bodyOffsetShift }

    /// Of one of a function's counters: its number.
    public var counter: UInt32 { packed >> Self.bodyOffsetShift }

    /// Whether the function's code itself has all that is needed, wherever that is put.
    public var isWithinFunction: Bool { kind == .code }

    /// What it is when it is written down.
    public var words: (UInt32, UInt32, UInt32) { (codeOffset, function, packed) }

    /// What was written down as these words; nil if they are none.
    public init?(_ words: (UInt32, UInt32, UInt32)) {
        // Code with counters is not written down.
        guard let kind = Kind(rawValue: UInt8(truncatingIfNeeded: words.2)), kind != .counter,
            kind.isOfCounts || words.2 >> Self.bodyOffsetShift == 0
        else { return nil }
        codeOffset = words.0
        function = words.1
        packed = words.2
    }
}

/// How code calls the functions of its own module.
public enum FunctionLinkage: Hashable, Sendable {
    /// All of them are in one image for good.
    case direct
    /// By the module's table, which has a record of each function that the module defines: where
    /// its code is now, and its heat, from which what runs takes until it is below 0.
    case table(HeatCount?)

    /// What code takes from its function's heat.
    public enum HeatCount: Hashable, Sendable {
        /// The bytes of the body that run, about.
        case bytes
        /// One for each entry and each round of a loop.
        case rounds
    }

    /// Functions that call nobody, have no loops, and are only called directly do not count their
    /// entries if their bodies have no more bytes than this, where bytes are counted: hot callers
    /// have the body in place of the call.
    public static var uncountedBytes: Int { 32 }

    /// Bytes of a record, which begins with the address of the code, 8 bytes.
    public static var recordBytes: Int { 16 }
    /// In a record: the heat, 4 bytes.
    public static var heatOffset: Int { 8 }
    /// In a record: not 0 if code that begins at an outermost loop is ready for a call that is in
    /// another one, 4 bytes.
    public static var takeoverOffset: Int { 12 }

    /// Whether functions are called by their code pointers.
    public var usesTable: Bool { if case .table = self { true } else { false } }

    /// What is counted; nil: nothing is.
    public var heatCount: HeatCount? { if case .table(let count) = self { count } else { nil } }
}
