import ApusFormat
import Testing

/// Subtyping of value types, over the whole lattice. Specification: 3.3.
@Suite struct MatchingTests {
    /// Types 0 and 1 are functions, 2 and 3 structures, 4 and 5 arrays, each second one below the
    /// one before it.
    private struct Pairs: TypeHierarchy {
        func kind(_ index: UInt32) -> CompositeKind? {
            CompositeKind(rawValue: UInt8(truncatingIfNeeded: index / 2))
        }

        func isSubtype(_ index: UInt32, of other: UInt32) -> Bool {
            index == other || (index == other + 1 && other % 2 == 0)
        }
    }

    private static let types = (0..<6).map { HeapType(typeIndex: $0) }
    private static let abstract: [HeapType] = [
        .any, .eq, .i31, .struct, .array, .none, .func, .nofunc, .extern, .noextern, .exn, .noexn,
    ]

    /// What is directly above what.
    private static let steps: [(HeapType, HeapType)] = [
        (.eq, .any), (.i31, .eq), (.struct, .eq), (.array, .eq), (.none, .i31), (.none, types[3]),
        (.none, types[5]), (types[0], .func), (types[1], types[0]), (.nofunc, types[1]),
        (types[2], .struct), (types[3], types[2]), (types[4], .array), (types[5], types[4]),
        (.noextern, .extern), (.noexn, .exn),
    ]

    private static func above(_ type: HeapType) -> Set<HeapType> {
        var found: Set = [type]
        for (lower, upper) in steps where lower == type { found.formUnion(above(upper)) }
        return found
    }

    @Test func heapTypesMatchWhatIsAboveThem() {
        let all = Self.abstract + Self.types
        for type in all {
            let above = Self.above(type)
            for other in all {
                #expect(
                    type.matches(other, in: Pairs()) == above.contains(other),
                    "\(type) and \(other)")
            }
        }
    }

    @Test func topsAreTheHighest() {
        for type in Self.abstract + Self.types {
            let top = type.top(in: Pairs())
            #expect(top.map { Self.above(type).contains($0) } == true)
            #expect(top.map { Self.above($0) == [$0] } == true)
        }
        #expect(HeapType(typeIndex: 6).top(in: Pairs()) == nil)
    }

    @Test func nullDecides() {
        func reference(_ type: HeapType, _ nullable: Bool) -> ValueType {
            .reference(type, nullable: nullable)
        }
        let (low, high) = (Self.types[1], HeapType.func)
        #expect(reference(low, false).matches(reference(high, false), in: Pairs()))
        #expect(reference(low, false).matches(reference(high, true), in: Pairs()))
        #expect(reference(low, true).matches(reference(high, true), in: Pairs()))
        #expect(!reference(low, true).matches(reference(high, false), in: Pairs()))
        #expect(!reference(high, false).matches(reference(low, true), in: Pairs()))
    }

    @Test func numbersMatchThemselvesOnly() {
        let numbers: [ValueType] = [.i32, .i64, .f32, .f64, .v128, .funcref, .externref]
        for type in numbers {
            for other in numbers { #expect(type.matches(other, in: Pairs()) == (type == other)) }
            #expect(ValueType.bottom.matches(type, in: Pairs()))
        }
    }

    @Test func whatIsNotThereMatchesNothing() {
        let unknown = HeapType(typeIndex: 99)
        #expect(!unknown.matches(.func, in: Pairs()))
        #expect(!unknown.matches(.any, in: Pairs()))
        #expect(!HeapType.none.matches(unknown, in: Pairs()))
        #expect(!HeapType.nofunc.matches(unknown, in: Pairs()))
    }

    @Test func functionsTakeMoreAndGiveLess() {
        let wide = ValueType.reference(.func, nullable: true)
        let narrow = ValueType.reference(Self.types[0], nullable: false)
        let general = FunctionType([narrow], [wide])
        let special = FunctionType([wide], [narrow])
        #expect(special.matches(general, in: Pairs()))
        #expect(!general.matches(special, in: Pairs()))
        #expect(!FunctionType([wide, wide]).matches(FunctionType([wide]), in: Pairs()))
    }

    @Test func fieldsSayWhatTheyAre() {
        let field = FieldType(.i8, isMutable: true)
        #expect(field.storage == .i8 && field.isMutable)
        #expect("\(field)" == "(mut i8)")
        let reference = FieldType(.reference(.any, nullable: false))
        #expect("\(reference)" == "(ref any)" && !reference.isMutable)
        #expect("\(FieldType(.i16))" == "i16")
    }
}
