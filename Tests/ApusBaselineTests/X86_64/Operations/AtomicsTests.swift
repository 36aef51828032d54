import ApusABI
import Testing

@Suite struct AtomicsTests {
    private static let module = "(memory 1 1 shared)"
    private static let update = "(param i32 i32) (result i32)"

    private static func names(_ function: String) throws -> [String] {
        try FunctionCode(function, in: module).names
    }

    // MARK: Alignment

    @Test func alignmentIsTested() throws {
        let code = try FunctionCode(
            "(param i32) (result i64) (i64.atomic.load (local.get 0))", in: Self.module)
        #expect(code.body[0] == "test dil, 7")
        #expect(code.names[1] == "jne")
        #expect(code.traps.contains(.unalignedAtomic))
        // With the offset, of which only the lowest bits matter.
        let offset = try FunctionCode(
            "(param i32) (result i32) (i32.atomic.load offset=6 (local.get 0))", in: Self.module)
        #expect(offset.body.prefix(2) == ["lea r11d, [rdi + 2]", "test r11b, 3"])
        let aligned = try FunctionCode(
            "(param i32) (result i32) (i32.atomic.load offset=8 (local.get 0))", in: Self.module)
        #expect(aligned.body[0] == "test dil, 3")
    }

    @Test func whatIsKnownIsNotTested() throws {
        #expect(
            try !Self.names("(param i32) (result i32) (i32.atomic.load8_u (local.get 0))")
                .contains("test"))
        #expect(
            try !Self.names("(result i32) (i32.atomic.load offset=2 (i32.const 6))")
                .contains("test"))
        let unaligned = try FunctionCode(
            "(result i32) (i32.atomic.load (i32.const 6))", in: Self.module)
        #expect(unaligned.names.first == "ud2")
        #expect(unaligned.traps.first == .unalignedAtomic)
    }

    // MARK: Accesses

    /// A load is one; a store is an exchange, which has to be done before what follows is.
    @Test func loadsAndStores() throws {
        let load = try FunctionCode(
            "(param i32) (result i32) (i32.atomic.load16_u (local.get 0))", in: Self.module)
        #expect(load.body.last?.hasPrefix("movzx eax, word ptr [r11") == true)
        let store = try FunctionCode(
            "(param i32 i32) (i32.atomic.store (local.get 0) (local.get 1))", in: Self.module)
        #expect(store.names.last == "xchg")
        // The local stays what it is.
        #expect(store.body.last == "xchg dword ptr [rax], ecx")
        #expect(try Self.names("atomic.fence") == ["mfence"])
    }

    static let updates: [(String, [String])] = [
        ("add", ["lock xadd dword ptr [rax], ecx"]),
        ("sub", ["neg ecx", "lock xadd dword ptr [rax], ecx"]),
        ("xchg", ["xchg dword ptr [rax], ecx"]),
    ]

    @Test(arguments: updates)
    func oldValuesComeBack(_ operation: String, _ last: [String]) throws {
        let code = try FunctionCode(
            "\(Self.update) (i32.atomic.rmw.\(operation) (local.get 0) (local.get 1))",
            in: Self.module)
        #expect(code.body.suffix(last.count) == last[...])
        // A narrow one has zeros above it.
        let narrow = try FunctionCode(
            "\(Self.update) (i32.atomic.rmw8.\(operation)_u (local.get 0) (local.get 1))",
            in: Self.module)
        #expect(narrow.body.last == "movzx ecx, cl")
    }

    /// The processor has no such instruction that says what was there.
    @Test(arguments: ["and", "or", "xor"])
    func othersAreTriedUntilNobodyInterferes(_ operation: String) throws {
        let code = try FunctionCode(
            "\(Self.update) (i32.atomic.rmw.\(operation) (local.get 0) (local.get 1))",
            in: Self.module)
        #expect(code.names.suffix(4) == ["mov", operation, "lock", "jne"])
        #expect(code.body[code.body.count - 2].hasPrefix("lock cmpxchg dword ptr ["))
    }

    /// What was there is not asked for.
    @Test(arguments: ["add", "sub", "and", "or", "xor"])
    func valuesThatAreDropped(_ operation: String) throws {
        let code = try FunctionCode(
            "(param i32 i32) (drop (i32.atomic.rmw.\(operation) (local.get 0) (local.get 1)))",
            in: Self.module)
        #expect(code.body.last == "lock \(operation) dword ptr [rax], r8d")
    }

    /// What is expected is in rax, and so is what was there.
    @Test func comparing() throws {
        let code = try FunctionCode(
            """
            (param i32 i32 i32) (result i32)
            (i32.atomic.rmw16.cmpxchg_u (local.get 0) (local.get 1) (local.get 2))
            """, in: Self.module)
        #expect(code.body.contains("mov eax, r8d"))
        #expect(code.body.suffix(2).first?.hasPrefix("lock cmpxchg word ptr [") == true)
        #expect(code.body.last == "movzx eax, ax")
    }

    @Test(arguments: [
        ("(drop (memory.atomic.notify (i32.const 0) (i32.const 1)))", RuntimeFunction.memoryNotify),
        ("(drop (memory.atomic.wait32 (i32.const 0) (i32.const 1) (i64.const 0)))", .memoryWait32),
        ("(drop (memory.atomic.wait64 (i32.const 0) (i64.const 1) (i64.const 0)))", .memoryWait64),
    ])
    func theRuntimeWaits(_ instruction: String, _ function: RuntimeFunction) throws {
        let code = try FunctionCode(instruction, in: Self.module)
        #expect(code.body.contains("mov eax, \(function.rawValue)"))
    }

    /// In a memory that only one thread has, nobody waits; but the place is to be there.
    @Test func nobodyIsNotified() throws {
        let code = try FunctionCode(
            "(param i32) (drop (memory.atomic.notify offset=4 (local.get 0) (i32.const 1)))",
            in: "(memory 1)")
        #expect(code.callCount == 0)
        // The test of the alignment comes first, and its trap last.
        #expect(code.traps == [.memoryOutOfBounds, .unalignedAtomic])
    }
}
