import ApusABI
import ApusFormat
import Testing

@testable import ApusRuntime

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct LoadedModuleTests {
    private let functions: [TestFunction] = [.callAddress, .load, .recurse]

    @Test func placesAreFoundByAddress() throws {
        let module = try load(functions, parts(functions), in: makeEnvironment())
        func place(_ offset: UInt, _ isReturn: Bool) -> [Int]? {
            module.place(at: module.imageBase &+ offset, isReturnAddress: isReturn).map {
                [Int($0.functionIndex), Int($0.bodyOffset), Int($0.trap.rawValue)]
            }
        }
        #expect(place(15, true) == [0, 15, 0])
        #expect(place(64 + 8, false) == [1, 8, Int(TrapCode.memoryOutOfBounds.rawValue)])
        #expect(place(128 + 23, false) == [2, 23, Int(TrapCode.stackExhausted.rawValue)])
        #expect(place(64 + 9, false) == [1, 0, 0])
        #expect(place(0, true) == nil)
        #expect(place(40, false) == nil)
        #expect(place(1000, false) == nil)
        #expect(place(UInt.max, false) == nil)
    }

    @Test func returnAddressAndFaultAtOnePlaceAreToldApart() throws {
        let both = TestFunction(
            code: MachineCode.load, sites: [(8, .none), (8, .memoryOutOfBounds)])
        let module = try load([both], parts([both]), in: makeEnvironment())
        let address = module.imageBase + 8
        #expect(module.place(at: address, isReturnAddress: true)?.trap == TrapCode.none)
        #expect(module.place(at: address, isReturnAddress: false)?.trap == .memoryOutOfBounds)
        var parts = parts([both])
        parts.memories = [MemoryType(limits: SizeLimits(minimum: 0))]
        let guest = try RuntimeStore(module.environment).instance([both], parts)
        #expect(trap { try guest.call("f0") } == .memoryOutOfBounds)
    }

    @Test func registryKnowsLiveModulesOnly() throws {
        let environment = try makeEnvironment()
        var modules: [LoadedModule] = []
        for _ in 0..<300 {
            modules.append(try load(functions, parts(functions), in: environment))
        }
        for module in modules {
            #expect(CodeRegistry.shared.module(at: module.imageBase + 15) === module)
        }
        let base = modules[7].imageBase
        modules.removeAll()
        #expect(CodeRegistry.shared.module(at: base + 15) == nil)
    }

    @Test func codeMemoryIsNeverWritableAndExecutable() throws {
        var memory = try CodeMemory(capacity: 10)
        let capacity = memory.capacity
        #expect(capacity >= 4096)
        memory.write([0xC3].span, at: 9)
        let written = memory.bytes[9]
        #expect(written == 0xC3)
        let writable = memory.bytes.count
        #expect(writable == capacity)
        try memory.makeExecutable()
        let isExecutable = memory.isExecutable
        #expect(isExecutable)
        let left = memory.bytes.count
        #expect(left == 0)
    }

    #if os(Linux)
        @Test func noPageOfTheProcessIsWritableAndExecutable() throws {
            let module = try load(functions, parts(functions), in: makeEnvironment())
            guard let maps = unsafe fopen("/proc/self/maps", "r") else { return }
            defer { unsafe fclose(maps) }
            var line = [CChar](repeating: 0, count: 4096)
            var holdsModule = false
            while unsafe fgets(&line, Int32(line.count), maps) != nil {
                let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
                let fields = text.split(separator: " ")
                #expect(!(fields[1].contains("w") && fields[1].contains("x")), "\(text)")
                let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                if bounds[0] <= module.imageBase, module.imageBase < bounds[1] {
                    holdsModule = fields[1].hasPrefix("r-x")
                }
            }
            #expect(holdsModule)
        }
    #endif

    @Test func modulesComeAndGoWhileOthersTrap() async throws {
        let environment = try makeEnvironment()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    do {
                        for _ in 0..<100 {
                            let store = try RuntimeStore(environment)
                            let guest = try store.instance([.unreachable, .divide])
                            for _ in 0..<5 {
                                let code = trap { try guest.call("f0") }
                                guard code == .unreachable else { return false }
                            }
                        }
                        return true
                    } catch {
                        return false
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
