import ApusABI
import ApusFormat
import Testing

@testable import ApusRuntime

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct LoadedModuleTests {
    private let functions: [TestFunction] = [.callAddress, .load, .recurse]

    @Test func registryKnowsLiveModulesOnly() throws {
        let environment = try makeEnvironment()
        var modules: [LoadedModule] = []
        for _ in 0..<300 {
            modules.append(try load(functions, parts(functions), in: environment))
        }
        for module in modules {
            let image = try #require(module.image(ofFunction: 0))
            let found = CodeRegistry.shared.code(at: image.base + 15)
            #expect(found?.module === module && found?.image === image)
        }
        let base = try #require(modules[7].image(ofFunction: 0)).base
        modules.removeAll()
        #expect(CodeRegistry.shared.code(at: base + 15) == nil)
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
            let module = try load(functions, parts(functions), .replaceable, in: makeEnvironment())
            let base = try #require(module.image(ofFunction: 0)).base
            let stub = module.codeAddress(ofFunction: 0)
            guard let maps = unsafe fopen("/proc/self/maps", "r") else { return }
            defer { unsafe fclose(maps) }
            var line = [CChar](repeating: 0, count: 4096)
            var executable = 0
            while unsafe fgets(&line, Int32(line.count), maps) != nil {
                let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
                let fields = text.split(separator: " ")
                #expect(!(fields[1].contains("w") && fields[1].contains("x")), "\(text)")
                let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                for place in [base, stub] where bounds[0] <= place && place < bounds[1] {
                    #expect(fields[1].hasPrefix("r-x"))
                    executable += 1
                }
            }
            #expect(executable == 2)
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
