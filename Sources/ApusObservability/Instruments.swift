#if Observability
    public import Apus
    public import CoreMetrics

    /// The metrics of an observation. Each name begins with the observation's label and a period.
    public struct Instruments: Sendable {
        private let label: String
        private let factory: any MetricsFactory

        /// `modules`, with the dimension `origin`: "compiled".
        public let compiledModules: Counter
        /// `modules`, with the dimension `origin`: "precompiled": they came from a cache or a file.
        public let precompiledModules: Counter
        /// `compile.time`.
        public let compileTime: Timer
        /// `instantiations`.
        public let instantiations: Counter
        /// `instantiation.time`, start functions included.
        public let instantiationTime: Timer
        /// `calls`, those that failed included.
        public let calls: Counter
        /// `call.time`.
        public let callTime: Timer
        /// `failures`: traps, errors of the host's own functions, modules that were not compiled.
        public let failures: Counter
        /// `cancellations`: calls whose task was cancelled.
        public let cancellations: Counter
        /// `pool.used`: instances that the engine's allocator has given out.
        public let poolUsed: Gauge
        /// `pool.high`: the most there have been at once.
        public let poolHighWaterMark: Gauge
        /// `pool.capacity`: how many there can be, if that is bounded.
        public let poolCapacity: Gauge
        /// `cache.modules`.
        public let cacheModules: Gauge
        /// `cache.bytes`.
        public let cacheBytes: Gauge
        /// `memory.bytes`: of each store that was recorded.
        public let memoryBytes: Recorder
        /// `heap.bytes`: of the garbage-collected objects of each store that was recorded.
        public let heapBytes: Recorder
        /// `table.elements`: of each store that was recorded.
        public let tableElements: Recorder
        /// `fuel.used`: by the guests of each store that was recorded.
        public let fuelUsed: Recorder

        init(_ label: String, _ factory: any MetricsFactory) {
            self.label = label
            self.factory = factory
            func counter(_ name: String, _ dimensions: [(String, String)] = []) -> Counter {
                Counter(label: "\(label).\(name)", dimensions: dimensions, factory: factory)
            }
            func timer(_ name: String) -> Timer {
                Timer(label: "\(label).\(name)", factory: factory)
            }
            func gauge(_ name: String) -> Gauge {
                Gauge(label: "\(label).\(name)", factory: factory)
            }
            func recorder(_ name: String) -> Recorder {
                Recorder(label: "\(label).\(name)", factory: factory)
            }
            compiledModules = counter("modules", [("origin", "compiled")])
            precompiledModules = counter("modules", [("origin", "precompiled")])
            compileTime = timer("compile.time")
            instantiations = counter("instantiations")
            instantiationTime = timer("instantiation.time")
            calls = counter("calls")
            callTime = timer("call.time")
            failures = counter("failures")
            cancellations = counter("cancellations")
            poolUsed = gauge("pool.used")
            poolHighWaterMark = gauge("pool.high")
            poolCapacity = gauge("pool.capacity")
            cacheModules = gauge("cache.modules")
            cacheBytes = gauge("cache.bytes")
            memoryBytes = recorder("memory.bytes")
            heapBytes = recorder("heap.bytes")
            tableElements = recorder("table.elements")
            fuelUsed = recorder("fuel.used")
        }

        /// `traps`, with the dimension `code`: what happened, e.g. "out of bounds memory access".
        public func traps(_ code: TrapCode) -> Counter {
            Counter(
                label: "\(label).traps", dimensions: [("code", "\(code)")], factory: factory)
        }
    }

    extension Timer {
        func record(_ duration: Duration) {
            recordNanoseconds(Int64(clamping: duration.attoseconds / 1_000_000_000))
        }
    }
#endif
