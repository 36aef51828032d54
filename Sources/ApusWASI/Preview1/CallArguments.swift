/// Which version of the interface a guest speaks: their names are the same, some layouts differ.
enum Snapshot: Sendable {
    /// `wasi_unstable`.
    case zero
    /// `wasi_snapshot_preview1`.
    case one

    var moduleName: String {
        switch self {
        case .zero: "wasi_unstable"
        case .one: "wasi_snapshot_preview1"
        }
    }
}

/// The arguments of one call.
struct CallArguments {
    /// More than any function has.
    static var capacity: Int { 9 }

    var snapshot: Snapshot
    private var values: InlineArray<9, UInt64> = .init(repeating: 0)

    init(_ snapshot: Snapshot) { self.snapshot = snapshot }

    /// For tests and other callers that have them as an array.
    init(_ snapshot: Snapshot, _ values: [UInt64]) {
        self.snapshot = snapshot
        for (index, value) in values.prefix(Self.capacity).enumerated() {
            self.values[index] = value
        }
    }

    /// The bits of argument `index`, below `capacity`.
    subscript(wide index: Int) -> UInt64 {
        @inline(__always) get { values[index] }
        @inline(__always) set { values[index] = newValue }
    }

    /// Argument `index` as the 32-bit number it is.
    subscript(index: Int) -> UInt32 {
        @inline(__always) get { UInt32(truncatingIfNeeded: values[index]) }
    }
}
