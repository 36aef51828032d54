import ApusFormat
import ApusTestSupport
import Testing

/// The oracle itself on a small module whose answers are known.
@Suite struct ReferenceInterpreterTests {
    private let store = ReferenceStore()

    private func call(_ name: String, _ arguments: ReferenceValue...) throws -> [ReferenceValue] {
        let instance = try ReferenceInstance(ValidModule.decode(Self.bytes), in: store, imports: [])
        guard case .function(let address) = instance.export(name) else { return [] }
        return try store.call(address, arguments)
    }

    @Test func recursion() throws {
        #expect(try call("factorial", .i64(20)) == [.i64(2_432_902_008_176_640_000)])
    }

    @Test func severalResults() throws {
        #expect(try call("swap") == [.i32(3), .i32(1)])
    }

    @Test(arguments: [(UInt32(0), UInt32(13)), (1, 12), (2, 10), (.max, 10)])
    func branchTable(index: UInt32, result: UInt32) throws {
        #expect(try call("choose", .i32(index)) == [.i32(result)])
    }

    @Test func loop() throws {
        #expect(try call("sum", .i32(10)) == [.i32(55)])
    }

    @Test func indirectCalls() throws {
        #expect(try call("indirect", .i32(0)) == [.i64(120)])
        #expect(throws: ReferenceTrap.indirectCallTypeMismatch) { try call("indirect", .i32(1)) }
        #expect(throws: ReferenceTrap.uninitializedElement) { try call("indirect", .i32(2)) }
        #expect(throws: ReferenceTrap.undefinedElement) { try call("indirect", .i32(3)) }
    }

    @Test func memoryEnds() throws {
        #expect(try call("load", .i32(65_528)) == [.i32(0)])
        #expect(throws: ReferenceTrap.memoryOutOfBounds) { try call("load", .i32(65_529)) }
        #expect(throws: ReferenceTrap.memoryOutOfBounds) { try call("load", .i32(.max)) }
    }

    @Test func growth() throws {
        #expect(try call("grow", .i32(1)) == [.i32(1), .i32(2)])
        #expect(try call("grow", .i32(2)) == [.i32(.max), .i32(1)])
    }

    @Test func limits() throws {
        #expect(throws: ReferenceTrap.stackExhausted) { try call("deep") }
        store.fuel = 100
        #expect(throws: ReferenceTrap.outOfFuel) { try call("deep") }
    }

    @Test func signedZero() throws {
        let minusZero = (-0.0).bitPattern
        #expect(try call("least", .f64(0), .f64(minusZero)) == [.f64(minusZero)])
        #expect(try call("least", .f64(minusZero), .f64(0)) == [.f64(minusZero)])
    }

    /// Exports the functions that the tests call; table elements are `factorial`, a function of
    /// another type and null.
    private static let bytes: [UInt8] = {
        let digits = Array(hexadecimal.utf8.filter { $0 != 10 && $0 != 32 })
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
        }
    }()

    private static let hexadecimal = """
        0061736d01000000012c0860017e017e60037f7f7f027f7f6000027f7f60017f017e60017f017f60
        017f027f7f60000060027c7c017c030b0a0001020304040405060704040170000305040101010207
        4b0909666163746f7269616c00000473776170000208696e6469726563740003046c6f6164000406
        63686f6f736500050373756d00060467726f77000704646565700008056c65617374000909080100
        41000b0200010a86010a1500200050047e4201052000200042017d10007e0b0b0600200220000b0a
        0041014102410310010b0900420520001100000b070020002802040b1a00027f027f027f410a2000
        0e020001020b41016a0b41026a0b0b1901017f0340200120006a2101200041016b22000d000b2001
        0b0800200040003f000b040010080b070020002001a40b0020046e616d6501130300036661630105
        7468726565080464656570040401000174
        """
}
